"""Which processors can run the network here. The only module that may import CuPy."""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from typing import NamedTuple


class Device(NamedTuple):
    """One line of the device menu: `reason` says why it cannot be used, in words ("" when it can)."""

    name: str
    label: str
    reason: str = ""

    @property
    def usable(self) -> bool:
        return not self.reason


def available_devices() -> list[Device]:
    """Every device with its state, the processor first. Never raises."""
    return [Device("cpu", "CPU (NumPy)"), Device("cuda:0", "GPU (CuPy)", _why_no_gpu())]


def _why_no_gpu() -> str:
    if importlib.util.find_spec("cupy") is None:
        return "CuPy is not installed on this machine (it needs an NVIDIA GPU)."
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return "No NVIDIA driver was found on this machine."
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0 or count.value == 0:
        return "The NVIDIA driver is here, but it finds no GPU."
    return "A GPU is here, but this version trains on the CPU only."
