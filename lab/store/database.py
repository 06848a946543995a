"""Opens the database of kept runs: a file of SQLite, or PostgreSQL by its address."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from lab.store.address import StoreError

WAIT_MS = 10_000  # that a visitor's press waits for the writes of other processes
WAL_TRIES, WAL_PAUSE_S = 200, 0.02  # while another process opens a new file
WRITES = "playground_writes"  # execution option of a transaction that writes


def connect(address: str) -> Engine:
    """Raises StoreError for an address that is not allowed, and where the database cannot be reached."""
    try:
        url = make_url(address)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() not in ("sqlite", "postgresql") or not url.database:
        allowed = "sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        raise StoreError(f"This address of a database is not allowed; allowed: {allowed}.")
    try:
        if url.get_backend_name() == "sqlite":
            Path(url.database).parent.mkdir(0o700, parents=True, exist_ok=True)
            engine = create_engine(url, pool_size=8, max_overflow=8, pool_timeout=WAIT_MS / 1000)
            _follow(engine)
            _write_ahead(engine)
        else:
            engine = create_engine(
                url.set(drivername="postgresql+psycopg"),
                pool_size=8,
                pool_timeout=WAIT_MS / 1000,
                pool_pre_ping=True,
                connect_args={"connect_timeout": 10, "options": f"-c lock_timeout={WAIT_MS}"},
            )
            with engine.connect():
                pass
    except ModuleNotFoundError:
        raise StoreError("PostgreSQL needs its driver: pip install -r requirements-postgresql.txt.") from None
    except (OSError, SQLAlchemyError) as problem:
        raise StoreError(f"The database of kept runs cannot be opened ({type(problem).__name__}).") from None
    return engine


def _follow(engine: Engine) -> None:
    """Transactions of SQLite begin where SQLAlchemy says so, and one that writes takes its turn at its beginning.

    One that begins to read and then writes would be refused at once where another process has written meanwhile.
    """

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (f"busy_timeout={WAIT_MS}", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITES) else "BEGIN")


def _write_ahead(engine: Engine) -> None:
    """Readers do not wait for the writer, and a killed process leaves a sound file. The file remembers this mode."""
    for trial in range(WAL_TRIES):
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode=WAL")
            return
        except Exception as problem:  # sqlite3.OperationalError: SQLite does not wait for this change by itself
            if "locked" not in str(problem) or trial == WAL_TRIES - 1:
                raise OperationalError("PRAGMA journal_mode=WAL", {}, problem) from problem
            time.sleep(WAL_PAUSE_S)
        finally:
            connection.close()


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes; it is wholly done, or not at all."""
    with engine.connect() as connection, connection.execution_options(**{WRITES: True}).begin():
        yield connection


@contextmanager
def exclusively(engine: Engine) -> Iterator[Connection]:
    """The same, and no other process is in such a transaction."""
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(7264180)"))
        yield connection
