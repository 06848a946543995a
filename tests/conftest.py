"""A real server on loopback and a real browser, for the tests that need them."""

from __future__ import annotations

import os
import socket

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy, as in the app: tests run side by side
os.environ.setdefault("PLAYGROUND_WORKERS", "1")  # the servers of tests are small ones

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from bench.serving import CHROMIUM_FLAGS, Server, chromium_path


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores, for while one waits for its browser or its server, another can go on."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    running = Server("app.py")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def port() -> int:
    """Where the servers of tests stand, one after the other: a browser that has compiled their scripts knows them.
    Another one for each process, and below those that a system gives to connections, which would take it meanwhile."""
    return next(number for number in count(10_000 + os.getpid() % 20_000) if is_free(number))


def is_free(port: int) -> bool:
    with socket.socket() as taken:
        return taken.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture
def start(port: int) -> Iterator[Callable[..., Server]]:
    """`start(script)`: a server of the test's own, stopped when the test ends."""
    servers: list[Server] = []

    def begin(script: str = "app.py", **environment: str) -> Server:
        servers.append(Server(script, port, **environment))
        return servers[-1]

    yield begin
    for running in servers:
        running.stop()


@pytest.fixture(scope="session")
def chromium():
    """A browser, or a skip that says why there is none (a failure where BROWSER_TESTS=required)."""
    missing = pytest.fail if os.environ.get("BROWSER_TESTS") == "required" else pytest.skip
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed: python3 start.py test installs it")
    path = chromium_path()
    if path is None:
        missing("no Chromium on this machine; on Debian: sudo apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()
