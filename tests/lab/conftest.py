"""A manual clock, runs that use it, a model file, and databases: SQLite, and PostgreSQL while the tests run."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from lab.training.run import Run
from tests.lab.helpers import SMALL, saved

NAMES = count(1)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(clock):
    def make(experiment=SMALL, speed="epoch", **changes):
        return Run(experiment.change(**changes), speed, clock)

    return make


@pytest.fixture(scope="session")
def content() -> bytes:
    """A model file of SMALL, trained for three epochs."""
    return saved()


# Databases ------------------------------------------------------------------------------------------------------------


def programs() -> Path | None:
    """The folder of PostgreSQL's programs."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a server without databases of its own; without PostgreSQL the test is skipped, or fails where
    POSTGRES_TESTS=required."""
    missing = pytest.fail if os.environ.get("POSTGRES_TESTS") == "required" else pytest.skip
    pytest.importorskip("psycopg", reason="psycopg is not installed: python3 start.py setup requirements-dev.txt")
    if (folder := programs()) is None:
        missing("no PostgreSQL on this machine; on Debian: sudo apt install postgresql")
    home = Path(tempfile.mkdtemp(prefix="playground-postgresql-"))
    prefix = []
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(home, "postgres")
        prefix = ["runuser", "-u", "postgres", "--"]
    user = "postgres" if prefix else getpass.getuser()

    def run(program: str, *words: str) -> None:
        command = [*prefix, str(folder / program), "-D", str(home / "data"), *words]
        subprocess.run(command, check=True, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    run("initdb", "-A", "trust", "-U", user, "--no-sync", "-E", "UTF8", "--locale=C")
    settings = f"-c listen_addresses= -k {home} -c fsync=off -c max_connections=80"
    run("pg_ctl", "-w", "-l", str(home / "log"), "-o", settings, "start")
    try:
        yield f"postgresql://{user}@/{{}}?host={home}"
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'runs.sqlite3'}"
    import psycopg

    address, name = request.getfixturevalue("postgresql"), f"runs{next(NAMES)}"
    with psycopg.connect(address.format("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return address.format(name)
