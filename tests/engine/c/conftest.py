"""A C compiler; without one these tests are skipped, or fail where COMPILER_TESTS=required."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.c import compiler

CACHE = Path(__file__).parents[3] / ".pytest_cache"  # the same programs are compiled in every run of the tests


@pytest.fixture
def cache(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(CACHE))


@pytest.fixture
def c(cache, monkeypatch):
    """A compiler that is waited for as long as it takes."""
    try:
        compiler.compiler()
    except compiler.NoCompiler as problem:
        missing = pytest.fail if os.environ.get("COMPILER_TESTS") == "required" else pytest.skip
        missing(str(problem))
    monkeypatch.setenv(compiler.SWITCH_VARIABLE, "on")
