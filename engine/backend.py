"""Which devices can train on this machine, and copying arrays to and from them. The only module that imports CuPy.

A graphics card counts as usable only after it has computed something: on some machines CuPy imports and finds a card,
and then the first kernel, matrix product or random number fails because a library is missing. The trial runs in a
process of its own (`python -m engine.backend`) with a time limit, so that a hanging driver cannot stop the program.
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

from engine.cards import CPU, DRIVER_FIX, INSTALL_COMMAND, Device, cards, no_card, reinstall_command, summarize

TRIAL_TIMEOUT_S = 60.0  # creating the first CUDA context takes long on a slow disk
KILL_TIMEOUT_S = 1.0  # that a killed trial may take to end
MAX_STAGED_BYTES = 1 << 20  # larger arrays are copied without staging memory
MAX_STAGES = 4  # copies to the card that may be in progress at a time
BLOCK_THREADS = 256  # threads in a block, the same for every kernel
DEVICES_VARIABLE = "BACKPROP_DEVICES"  # environment variable; "cpu" switches graphics cards off
PACKAGES = ("cupy", *(f"cupy-cuda{v}x" for v in (11, 12, 13, 14)), "cupy-rocm-7-0")  # all fill the folder cupy/
NO_DRIVER = "No NVIDIA driver was found on this machine."
FATAL_STATUSES = (214, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 999)  # memory faults, timeouts, lost cards
OUT_OF_MEMORY = (("CUDARuntimeError", 2), ("CUDADriverError", 2), ("CUBLASError", 1), ("CUBLASError", 3))
_found: list[Device] = []
_searching = threading.Lock()
_unkillable: list[subprocess.Popen[str]] = []  # referred to here so that nothing waits for their end


def available_devices() -> list[Device]:
    """Every device with its state, the processor first. Never raises. The first call may take TRIAL_TIMEOUT_S."""
    with _searching:
        if not _found:
            _found.extend([CPU, *graphics_cards()])
    return list(_found)


def known_devices() -> list[Device]:
    """The devices found so far, without waiting; while the search runs, the GPU's reason says so."""
    return list(_found) or [CPU, no_card("Searching for a GPU; this takes a moment.")]


def adopt_devices(devices: Iterable[Sequence[Any]]) -> None:
    """Use the devices that another process of this machine has found: fields of Device, the processor first."""
    _found[:] = [Device(*fields) for fields in devices]


def graphics_cards(seconds: float = TRIAL_TIMEOUT_S) -> list[Device]:
    """A record for each card, at least one. Searches again within about `seconds`; never raises."""
    try:
        return _without_trial() or _trial_in_process(seconds)
    except Exception as problem:  # a page must be shown on any machine
        return [no_card(f"Looking for a GPU failed: {summarize(problem)}")]


def _without_trial() -> list[Device]:
    """Records that need no trial; empty if a trial is needed."""
    if os.environ.get(DEVICES_VARIABLE) == "cpu":
        return [no_card(f"The GPU is switched off by {DEVICES_VARIABLE}=cpu.", f"Start without {DEVICES_VARIABLE}.")]
    if sys.platform == "darwin":
        return [no_card("CuPy needs an NVIDIA GPU, and there is none in a Mac.")]
    packages = installed()
    if not packages:
        return [no_card("CuPy is not installed on this machine (it needs an NVIDIA GPU).", INSTALL_COMMAND)]
    if len(packages) > 1:
        return [
            no_card(f"Several CuPy packages overwrite each other: {', '.join(packages)}.", reinstall_command(packages))
        ]
    return [] if driver() else [no_card(NO_DRIVER, DRIVER_FIX)]


def installed() -> list[str]:
    """The names of the installed CuPy packages: there should be one."""
    found = []
    for name in PACKAGES:
        try:
            metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found.append(name)
    return found


def driver() -> bool:
    """Whether an NVIDIA driver is installed. Only the trial starts it, because that may hang."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


# Arrays --------------------------------------------------------------------------------------------------------------


class Backend:
    """CuPy on one card: `xp` makes arrays there, `send` and `fetch` copy, `write` copies into an existing array."""

    def __init__(self, name: str, cupy: Any = None) -> None:
        if cupy is None:
            import cupy
        self.name, self.xp = name, cupy
        self.device = cupy.cuda.Device(int(name.partition(":")[2]))
        self.resident: WeakValueDictionary[tuple, Any] = WeakValueDictionary()  # arrays shared by trainers
        self._compiled: dict[str, Any] = {}  # source -> kernel
        self._stages: dict[tuple, list[tuple[np.ndarray, Any]]] = {}  # host memory that the card reads directly

    def send(self, array: np.ndarray) -> Any:
        """A copy on the device; see write."""
        on_device = self.xp.empty(array.shape, array.dtype)
        self.write(on_device, array)
        return on_device

    def write(self, on_device: Any, array: np.ndarray) -> None:
        """Overwrite an array on the device; a small one without waiting for the device."""
        if array.nbytes > MAX_STAGED_BYTES:
            return on_device.set(np.ascontiguousarray(array))
        stages = self._stages.setdefault((array.shape, array.dtype), [])
        if len(stages) < MAX_STAGES:
            memory = self.xp.cuda.alloc_pinned_memory(max(array.nbytes, 1))
            stage = np.frombuffer(memory, array.dtype, array.size).reshape(array.shape)
            stages.append((stage, self.xp.cuda.Event(disable_timing=True)))
        else:
            stages.append(stages.pop(0))
        stage, copied = stages[-1]
        copied.synchronize()  # the previous copy from this memory is almost always done
        stage[...] = array
        on_device.set(stage, self.xp.cuda.get_current_stream())  # without a stream it might wait
        copied.record()

    def fetch(self, array: Any) -> np.ndarray:
        """A copy on the host. Waits until the device has computed it."""
        return array.get()

    def wait(self) -> None:
        """Return when the device has finished all started work."""
        self.xp.cuda.get_current_stream().synchronize()

    def start(self, launches: Iterable[tuple]) -> None:
        """Start kernels (source, name, blocks, arguments), one after the other; each is compiled at its first start."""
        for source, name, blocks, arguments in launches:
            kernel = self._compiled.get(source) or self.xp.RawKernel(source, name)
            kernel((blocks,), (BLOCK_THREADS,), arguments)
            self._compiled[source] = kernel

    def captured(self, launches: Sequence[tuple]) -> Callable[[], None] | None:
        """One call that starts all of them, as a CUDA graph; None if the card refuses. They must have run before."""
        stream = self.xp.cuda.Stream(non_blocking=True)
        try:
            with stream:
                stream.begin_capture()
                try:
                    self.start(launches)
                finally:
                    graph = stream.end_capture()
        except Exception as problem:  # an old driver, a kernel that is loaded late
            if has_lost_context(problem):
                raise
            return None
        return graph.launch

    def release(self) -> None:
        """Free unused memory."""
        self._stages.clear()
        gc.collect()  # a run and its replica on the device refer to each other
        with self.device:
            self.xp.get_default_memory_pool().free_all_blocks()

    def memory(self) -> tuple[int, int]:
        """Free bytes on the device, including those that CuPy has reserved, and total bytes."""
        with self.device:
            free, total = self.xp.cuda.runtime.memGetInfo()
            return free + self.xp.get_default_memory_pool().free_bytes(), total


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether an error of any library means that the host or the card has too little memory."""
    kind = type(problem).__name__, getattr(problem, "status", 0)
    return isinstance(problem, MemoryError) or kind in OUT_OF_MEMORY


def has_lost_context(problem: BaseException) -> bool:
    """Whether a fault has left the CUDA context unusable: every further call of this process to the card would fail."""
    return getattr(problem, "status", 0) in FATAL_STATUSES


# The trial, from outside its process ----------------------------------------------------------------------------------


def _trial_in_process(seconds: float) -> list[Device]:
    words = [sys.executable, "-W", "ignore", "-m", "engine.backend"]
    child = subprocess.Popen(words, cwd=Path(__file__).parent.parent, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True)  # fmt: skip
    try:
        output, _ = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        _end(child)
        return [no_card(f"The GPU did not answer within {seconds:g} seconds.", "Restart the computer.")]
    lines = output.strip().splitlines()
    if child.returncode or not lines:
        return [no_card(f"The trial of the GPU crashed (exit status {child.returncode}).", "Update the NVIDIA driver.")]
    return cards(json.loads(lines[-1]), installed())


def _end(child: subprocess.Popen[str]) -> None:
    """Kill a process. Inside a hanging driver it may not end; then it is left alone."""
    child.kill()
    try:
        child.communicate(timeout=KILL_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        _unkillable.append(child)


# The trial, inside its process ----------------------------------------------------------------------------------------


def trial() -> dict[str, Any]:
    """What CuPy reports and can do here, as plain values. May hang or crash: run it in a process of its own."""
    report: dict[str, Any] = {"imported": False, "status": 0, "problem": "", "built_for": 0, "nvrtc": 0, "cards": []}
    try:
        import cupy

        runtime = cupy.cuda.runtime
        report["imported"] = True
        report["built_for"] = runtime.runtimeGetVersion() // 1000
        count = runtime.getDeviceCount()
    except Exception as problem:  # a half-removed package may raise anything
        return {**report, "problem": summarize(problem), "status": getattr(problem, "status", 0)}
    report["cards"] = [_try_card(cupy, number) for number in range(count)]
    try:
        report["nvrtc"] = cupy.cuda.nvrtc.getVersion()[0]
    except Exception:  # the version only explains other faults
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
        card["problem"] = summarize(problem)
    return card


if __name__ == "__main__":
    print(json.dumps(trial()), flush=True)
