"""A C compiler; without one these tests are skipped, or fail where COMPILER_TESTS=required."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from engine.c import compiler

CACHE = Path(__file__).parents[3] / ".pytest_cache"  # the same programs are compiled in every run of the tests


@pytest.fixture
def cache(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(CACHE))


@pytest.fixture
def optimization() -> str:
    """Compiles three times as fast as -O2; a test overrides it by a parameter."""
    return "-Og"


@pytest.fixture
def c(cache, optimization, monkeypatch):
    """A compiler that is waited for as long as it takes."""
    flags = tuple(optimization if flag == "-O2" else flag for flag in compiler.FLAGS)
    monkeypatch.setattr(compiler, "FLAGS", flags)
    monkeypatch.delenv("CFLAGS", raising=False)
    compiler._search.cache_clear()
    try:
        compiler.compiler()
    except compiler.NoCompiler as problem:
        missing = pytest.fail if os.environ.get("COMPILER_TESTS") == "required" else pytest.skip
        missing(str(problem))
    monkeypatch.setenv(compiler.SWITCH_VARIABLE, "on")
    yield
    for thread in threading.enumerate():
        if thread.name == "compile":  # of this test: the next one has other flags and folders
            thread.join()
    compiler._search.cache_clear()
