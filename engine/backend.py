"""Which processors can run the network here, and how arrays get there and back. The only module that imports CuPy.

A graphics card counts as usable only after it has computed something: CuPy imports and finds a card on machines where
its first kernel, matrix product or random number then fails for want of a library. The trial runs in a process of its
own (`python -m engine.backend`) with a time limit, so that a wedged driver can neither hang nor end the program.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from engine.gpu.cards import CPU, DRIVER, INSTALL, Device, anew, cards, in_short, no_card
from engine.gpu.cuda import THREADS, Launch

SECONDS = 60.0  # that the trial may take: the first start of a CUDA context on a slow disk is long
LINGERS = 1.0  # that a trial which is being ended may take to go
STAGED = 1 << 20  # bytes up to which a copy goes through memory that the card reads by itself
STAGES = 4  # copies to the card that may be under way at a time
SWITCH = "BACKPROP_DEVICES"  # environment variable; "cpu" leaves the graphics card alone
PACKAGES = ("cupy", *(f"cupy-cuda{v}x" for v in (11, 12, 13, 14)), "cupy-rocm-7-0")  # all of them fill the folder cupy/
NO_DRIVER = "No NVIDIA driver was found on this machine."
STICKY = (214, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 999)  # of CUDA: memory faults, time-outs, lost cards
NO_ROOM = (("CUDARuntimeError", 2), ("CUDADriverError", 2), ("CUBLASError", 1), ("CUBLASError", 3))
_found: list[Device] = []
_looking = threading.Lock()
_left: list[subprocess.Popen[str]] = []  # trials that had to be left alone


def available_devices() -> list[Device]:
    """Every device with its state, the processor first. Never raises; looks once, which may take SECONDS."""
    with _looking:
        if not _found:
            _found.extend([CPU, *graphics_cards()])
    return list(_found)


def known_devices() -> list[Device]:
    """The same at once: while nobody has looked yet, or somebody still does, a line says so."""
    return list(_found) or [CPU, no_card("The GPU is being looked for; this takes a moment.")]


def believe(devices: Iterable[Sequence[Any]]) -> None:
    """Take over what another process of this machine has found: fields of Device, the processor first."""
    _found[:] = [Device(*fields) for fields in devices]


def graphics_cards(seconds: float = SECONDS) -> list[Device]:
    """One line for each card, at least one. Looks anew; never raises; takes at most about so many seconds."""
    try:
        return _without_trial() or _tried(seconds)
    except Exception as problem:  # a page must come up on the strangest machine
        return [no_card(f"Looking for a GPU failed: {in_short(problem)}")]


def _without_trial() -> list[Device]:
    """What can be said at once; empty when only a trial can tell."""
    if os.environ.get(SWITCH) == "cpu":
        return [no_card(f"The GPU is switched off by {SWITCH}=cpu.", f"Start without {SWITCH}.")]
    if sys.platform == "darwin":
        return [no_card("CuPy needs an NVIDIA GPU, and there is none in a Mac.")]
    packages = installed()
    if not packages:
        return [no_card("CuPy is not installed on this machine (it needs an NVIDIA GPU).", INSTALL)]
    if len(packages) > 1:
        return [no_card(f"Several CuPy packages overwrite each other: {', '.join(packages)}.", anew(packages))]
    return [] if driver() else [no_card(NO_DRIVER, DRIVER)]


def installed() -> list[str]:
    """The CuPy packages that this Python has, by name: there should be one."""
    found = []
    for name in PACKAGES:
        try:
            metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found.append(name)
    return found


def driver() -> bool:
    """Whether there is an NVIDIA driver. It is not started: that may hang, and is left to the trial."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


# Arrays --------------------------------------------------------------------------------------------------------------


class Backend:
    """CuPy on one card: `xp` makes arrays there, `send` and `fetch` copy, `write` copies into what is there already."""

    def __init__(self, name: str, cupy: Any = None) -> None:
        if cupy is None:
            import cupy  # pyright: ignore[reportMissingImports]
        self.name, self.xp = name, cupy
        self.device = cupy.cuda.Device(int(name.partition(":")[2]))
        self.resident: WeakValueDictionary[tuple, Any] = WeakValueDictionary()  # what trainers share there
        self._compiled: dict[str, Any] = {}  # source -> kernel
        self._stages: dict[tuple, list[tuple[np.ndarray, Any]]] = {}  # host memory that the card reads by itself

    def send(self, array: np.ndarray) -> Any:
        """A copy on the device; see write."""
        there = self.xp.empty(array.shape, array.dtype)
        self.write(there, array)
        return there

    def write(self, there: Any, array: np.ndarray) -> None:
        """Overwrite an array on the device; what is small goes up without waiting for what the device still does."""
        if array.nbytes > STAGED:
            return there.set(np.ascontiguousarray(array))
        stages = self._stages.setdefault((array.shape, array.dtype), [])
        if len(stages) < STAGES:
            memory = self.xp.cuda.alloc_pinned_memory(max(array.nbytes, 1))
            stage = np.frombuffer(memory, array.dtype, array.size).reshape(array.shape)
            stages.append((stage, self.xp.cuda.Event(disable_timing=True)))
        else:
            stages.append(stages.pop(0))
        stage, copied = stages[-1]
        copied.synchronize()  # the copy before last from this memory; as good as always over
        stage[...] = array
        there.set(stage, self.xp.cuda.get_current_stream())  # without one it might wait
        copied.record()

    def fetch(self, array: Any) -> np.ndarray:
        """A copy on the host. Waits until the device has computed it."""
        return array.get()

    def wait(self) -> None:
        """Until the device has done all that it was told."""
        self.xp.cuda.get_current_stream().synchronize()

    def start(self, launches: Iterable[Launch]) -> None:
        """Start kernels, one after the other; each is compiled when it is met for the first time."""
        for source, name, blocks, arguments in launches:
            kernel = self._compiled.get(source) or self.xp.RawKernel(source, name)
            kernel((blocks,), (THREADS,), arguments)
            self._compiled[source] = kernel

    def captured(self, launches: Sequence[Launch]) -> Callable[[], None] | None:
        """One call that starts all of them, as a CUDA graph; None where the card refuses. They have run before."""
        stream = self.xp.cuda.Stream(non_blocking=True)
        try:
            with stream:
                stream.begin_capture()
                try:
                    self.start(launches)
                finally:
                    graph = stream.end_capture()
        except Exception as problem:  # an old driver, a kernel that is loaded late
            if poisoned(problem):
                raise
            return None
        return graph.launch

    def release(self) -> None:
        """Give the memory back that nothing uses any more."""
        self._stages.clear()
        gc.collect()  # a trainer and its twin know each other
        with self.device:
            self.xp.get_default_memory_pool().free_all_blocks()

    def memory(self) -> tuple[int, int]:
        """Bytes that are free on the device now, what CuPy keeps for later included, and bytes in all."""
        with self.device:
            free, whole = self.xp.cuda.runtime.memGetInfo()
            return free + self.xp.get_default_memory_pool().free_bytes(), whole


def exhausted(problem: BaseException) -> bool:
    """Whether there was too little memory, on the host or on the card, under whatever name a library tells it."""
    told = type(problem).__name__, getattr(problem, "status", 0)
    return isinstance(problem, MemoryError) or told in NO_ROOM


def poisoned(problem: BaseException) -> bool:
    """Whether a fault has left the card's context unusable: from now on every call of this process to it would fail."""
    return getattr(problem, "status", 0) in STICKY


# The trial, seen from outside -----------------------------------------------------------------------------------------


def _tried(seconds: float) -> list[Device]:
    words = [sys.executable, "-W", "ignore", "-m", "engine.backend"]
    child = subprocess.Popen(words, cwd=Path(__file__).parent.parent, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True)  # fmt: skip
    try:
        said, _ = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        _end(child)
        return [no_card(f"The GPU did not answer within {seconds:g} seconds.", "Restart the computer.")]
    lines = said.strip().splitlines()
    if child.returncode or not lines:
        return [no_card(f"The trial of the GPU crashed (exit status {child.returncode}).", "Update the NVIDIA driver.")]
    return cards(json.loads(lines[-1]), installed())


def _end(child: subprocess.Popen[str]) -> None:
    """Inside a wedged driver a process cannot even be killed: then it is left alone."""
    child.kill()
    try:
        child.communicate(timeout=LINGERS)
    except subprocess.TimeoutExpired:
        _left.append(child)


# The trial, from inside ----------------------------------------------------------------------------------------------


def trial() -> dict[str, Any]:
    """What CuPy says and does here, as plain values. May hang or crash: run it in a process of its own."""
    report: dict[str, Any] = {"imported": False, "status": 0, "problem": "", "built_for": 0, "nvrtc": 0, "cards": []}
    try:
        import cupy  # pyright: ignore[reportMissingImports]

        runtime = cupy.cuda.runtime
        report["imported"] = True
        report["built_for"] = runtime.runtimeGetVersion() // 1000
        count = runtime.getDeviceCount()
    except Exception as problem:  # a half-removed package raises whatever it likes
        return {**report, "problem": in_short(problem), "status": getattr(problem, "status", 0)}
    report["cards"] = [_try_card(cupy, number) for number in range(count)]
    try:
        report["nvrtc"] = cupy.cuda.nvrtc.getVersion()[0]
    except Exception:  # it only explains other faults
        report["nvrtc"] = 0
    return report


def _try_card(cupy: Any, number: int) -> dict[str, Any]:
    """A kernel, a matrix product and random numbers: the three libraries that a network needs."""
    card = {"name": "unknown", "memory": 0, "failed": "start", "problem": ""}
    try:
        with cupy.cuda.Device(number):
            card["name"] = cupy.cuda.runtime.getDeviceProperties(number)["name"].decode()
            card["memory"] = int(cupy.cuda.runtime.memGetInfo()[1])
            card["failed"] = "kernel"
            a = cupy.arange(6, dtype=np.float32).reshape(2, 3) + 1
            card["failed"] = "product"
            product = cupy.dot(a, a.T)
            card["failed"] = "random"
            cupy.random.RandomState(0).random_sample(8)
            card["failed"] = "result"
            if (total := float(product.sum())) != 155:
                raise ArithmeticError(f"a sum of products is {total:g}, not 155")
            card["failed"] = ""
    except Exception as problem:
        card["problem"] = in_short(problem)
    return card


if __name__ == "__main__":
    print(json.dumps(trial()), flush=True)
