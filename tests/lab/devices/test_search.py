"""The search for devices in its thread."""

from __future__ import annotations

import os
import shutil
import threading

import numpy as np
import pytest

from engine import backend
from engine.c import compiler
from engine.c.runtime import load_runtime
from lab.devices import search
from tests.engine.c.conftest import c, cache, optimization  # noqa: F401  (fixtures)


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(backend, "_found", [])
    search.search.cache_clear()
    yield
    search.search.cache_clear()


def test_a_page_does_not_wait_while_a_gpu_is_tried(monkeypatch):
    go_on = threading.Event()
    monkeypatch.setattr(backend, "graphics_cards", lambda: go_on.wait(60) and [backend.Device("cuda:0", "A card")])
    cpu, card = search.devices()
    assert cpu.usable
    assert "Searching" in card.reason
    go_on.set()
    search.search().join(60)
    assert search.devices() == [backend.CPU, backend.Device("cuda:0", "A card")]


def test_the_search_starts_once(monkeypatch):
    looks = []
    monkeypatch.setattr(backend, "graphics_cards", lambda: looks.append(1) or [backend.Device("cuda:0", "A card")])
    for _ in range(3):
        search.search().join(60)
        assert len(search.devices()) == 2
    assert looks == [1]


def test_the_page_says_how_steps_run_on_the_cpu(monkeypatch):
    monkeypatch.setenv(compiler.SWITCH_VARIABLE, "off")
    assert search.steps_on_cpu().endswith("because PLAYGROUND_COMPILED=off switches compiling off.")
    monkeypatch.setenv(compiler.SWITCH_VARIABLE, "on")
    monkeypatch.setattr(search, "compiler", lambda: compiler.Compiler(("/usr/bin/gcc", "-O2"), ""))
    assert search.steps_on_cpu().startswith("Steps are compiled by gcc;")

    def refuse():
        raise compiler.NoCompiler("There is no C compiler. Install one.")

    monkeypatch.setattr(search, "compiler", refuse)
    assert search.steps_on_cpu() == "Steps run one array operation at a time. There is no C compiler. Install one."


def test_the_page_says_that_the_disk_is_full(monkeypatch, tmp_path):
    if os.name == "nt" or not shutil.which("cc"):
        pytest.skip("there is no C compiler")
    monkeypatch.setenv(compiler.SWITCH_VARIABLE, "on")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(compiler, "MIN_FREE_MB", 1e12)
    compiler._search.cache_clear()
    try:
        assert search.steps_on_cpu().endswith("does not work: There is no space left for compiled programs.")
    finally:
        compiler._search.cache_clear()


@pytest.mark.usefixtures("c")
def test_what_all_programs_share_is_compiled_when_the_server_starts(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    search.search().join(60)
    compiled = set(compiler.cache_folder().iterdir())
    assert len(compiled) == 1
    load_runtime(np.dtype(np.float32))
    assert set(compiler.cache_folder().iterdir()) == compiled


def test_the_page_does_not_wait_for_a_compiler(monkeypatch):
    go_on = threading.Event()
    monkeypatch.setenv(compiler.SWITCH_VARIABLE, "on")
    monkeypatch.setattr(search, "is_known", go_on.is_set)
    monkeypatch.setattr(search, "compiler", lambda: go_on.wait(60) and compiler.Compiler(("/usr/bin/gcc",), ""))
    assert search.steps_on_cpu_so_far().startswith("Searching for a C compiler")
    go_on.set()
    search.search().join(60)
    assert "compiled by gcc" in search.steps_on_cpu_so_far()
