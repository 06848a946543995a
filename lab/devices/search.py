"""Searches for the devices and the C compiler of this machine in a thread, so that no page waits."""

from __future__ import annotations

import contextlib
import threading
from functools import cache
from pathlib import Path

import numpy as np

from engine.backend import Device, available_devices, known_devices
from engine.c.compiler import SWITCH_VARIABLE, NoCompiler, compiler, is_known, is_switched_on
from engine.c.runtime import load_runtime

PAGE_WAIT_S = 0.3  # enough to detect a missing driver, not to test a GPU


@cache
def search() -> threading.Thread:
    """The search thread, started by the first call, which app.py makes when the server starts."""
    thread = threading.Thread(target=_find, name="search for devices", daemon=True)
    thread.start()
    return thread


def _find() -> None:
    steps_on_cpu()
    if is_switched_on():
        with contextlib.suppress(NoCompiler):  # steps_on_cpu says why
            load_runtime(np.dtype(np.float32))  # the first run finds it in the cache
    available_devices()


def steps_on_cpu() -> str:
    """How steps are executed on the CPU, why, and what could be done: a sentence or two. Waits for the search."""
    if not is_switched_on():
        return f"Steps run one array operation at a time, because {SWITCH_VARIABLE}=off switches compiling off."
    try:
        command = Path(compiler().command[0]).name
    except NoCompiler as reason:
        return f"Steps run one array operation at a time. {reason}"
    others = "only those on batches that are processed in parts run one array operation at a time"
    return f"Steps are compiled by {command}; {others}."


def steps_on_cpu_so_far() -> str:
    """The same, without waiting longer than PAGE_WAIT_S."""
    search().join(PAGE_WAIT_S)
    return steps_on_cpu() if is_known() or not is_switched_on() else "Searching for a C compiler; this takes a moment."


def devices() -> list[Device]:
    """Every device with its state, the CPU first; the reason of a GPU says if it is still being tested."""
    search().join(PAGE_WAIT_S)
    return known_devices()
