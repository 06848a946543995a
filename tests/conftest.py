"""A real server on loopback and a real browser, for the tests that need them."""

from __future__ import annotations

import gc
import os
import socket

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy, as in the app: tests run side by side
os.environ.setdefault("PLAYGROUND_WORKERS", "1")  # one worker process is enough for a test
os.environ.setdefault("CFLAGS", "-Og")  # compiles three times as fast as -O2
os.environ.setdefault("PLAYGROUND_COMPILED", "off")  # tests that need compiled steps ask for them
os.environ.setdefault("PLAYGROUND_FRAMES_A_SECOND", "12")  # to one page: a fifth of the work
os.environ.setdefault("PLAYGROUND_CROWD_FRAMES_A_SECOND", "12")

from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import count
from types import ModuleType

import hypothesis
import pytest

from bench.serving import CHROMIUM_FLAGS, Server, chromium_path

STATE = "PLAYGROUND_STATE"

# Optimizing scripts takes longer than a test can win by it, and the cores are busy with other tests. A heap that is
# large from the start is collected less often: a quarter less work per page. Scripts stay compiled although they are
# not used for a while: a sixth less work for the next page.
SCRIPTS = ("--no-turbofan", "--no-maglev", "--no-flush-bytecode")
HEAP = ("--single-threaded-gc", "--min-semi-space-size=32", "--initial-heap-size=256")
SHORT_VISITS = "--js-flags=" + " ".join((*SCRIPTS, *HEAP))

gc.set_threshold(20_000, 20, 20)  # thousands of modules are loaded: each garbage collection is slow
hypothesis.settings.register_profile("untimed", deadline=None)  # how long an example takes depends on the other tests
hypothesis.settings.load_profile("untimed")


def pytest_collection_finish() -> None:
    """Garbage collections, which some tests force, need not scan what has been imported by now."""
    gc.collect()
    gc.freeze()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores: a test process often waits for its browser or its server."""
    return (os.cpu_count() or 1) + 1


def required(variable: str, name: str) -> ModuleType:
    """The module `name`; without it the test is skipped, or fails where an environment variable is "required"."""
    try:
        return import_module(name)
    except ModuleNotFoundError as problem:
        missing = pytest.fail if os.environ.get(variable) == "required" else pytest.skip
        missing(f"{problem.name} is not installed: python3 start.py setup requirements-oracle.txt")


@pytest.fixture(scope="session", autouse=True)
def _state_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Pages that run without a server keep their runs in a folder of the tests."""
    os.environ[STATE] = str(tmp_path_factory.mktemp("state"))


def settings() -> dict[str, str]:
    """Our environment variables, without the folder of the tests."""
    return {name: value for name, value in os.environ.items() if name.startswith("PLAYGROUND_") and name != STATE}


SETTINGS = settings()


@pytest.fixture(autouse=True)
def _same_settings() -> Iterator[None]:
    """No test, and no import, changes the settings of later tests."""
    yield
    found = settings()
    for name in found:
        del os.environ[name]
    os.environ.update(SETTINGS)  # one test fails, not all after it
    assert found == SETTINGS


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    running = Server("app.py")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def port() -> int:
    """The port that the servers of this test process use in turn, so that browsers keep their compiled scripts.

    It differs between processes and is below the range of ephemeral ports, which connections could take.
    """
    return next(number for number in count(10_000 + os.getpid() % 20_000) if is_free(number))


def is_free(port: int) -> bool:
    with socket.socket() as taken:
        return taken.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps are compiled, where there is a compiler, so that runs have the same bits however busy the machine is."""
    monkeypatch.setenv("PLAYGROUND_COMPILED", "wait")


@pytest.fixture
def start(port: int, compiled: None) -> Iterator[Callable[..., Server]]:
    """`start(script)`: a separate server, stopped when the test ends. It and the test compile their steps."""
    servers: list[Server] = []

    def begin(script: str = "app.py", **environment: str) -> Server:
        servers.append(Server(script, port, **environment))
        return servers[-1]

    yield begin
    for running in servers:
        running.stop()


@pytest.fixture(scope="session")
def chromium():
    """A browser; without one the test is skipped, or fails where BROWSER_TESTS=required."""
    missing = pytest.fail if os.environ.get("BROWSER_TESTS") == "required" else pytest.skip
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed: python3 start.py test installs it")
    path = chromium_path()
    if path is None:
        missing("no Chromium on this machine; on Debian: sudo apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*CHROMIUM_FLAGS, SHORT_VISITS])
        yield browser
        browser.close()
