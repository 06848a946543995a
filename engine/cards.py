"""Records of devices: a processor or card, and if it cannot be used, the reason and a fix.

backend.py reports a card's state as plain values; this module puts it into sentences.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, NamedTuple

INSTALL_COMMAND = "pip install -r requirements-gpu.txt"
DRIVER_FIX = "Install driver 525 or newer from nvidia.com."
LIBRARY_OF_TRIAL = MappingProxyType({"kernel": "NVRTC", "product": "cuBLAS", "random": "cuRAND"})  # part -> library
MISSING_LIBRARY = ("cannot open shared object", "Failure finding", "NotFoundError", "failed to load", "DLL load failed")
CUDA_STATUSES = MappingProxyType(  # status code -> reason and fix
    {
        35: ("The NVIDIA driver is missing or too old for CUDA 12.", DRIVER_FIX),
        100: (
            "The NVIDIA driver is here, but it finds no GPU.",
            "Check whether CUDA_VISIBLE_DEVICES hides it, or whether a container was started without it.",
        ),
    }
)


class Device(NamedTuple):
    """A device. reason: why it cannot be used; fix: what to do about it; both are "" for a usable device."""

    name: str
    label: str
    reason: str = ""
    fix: str = ""
    memory: int = 0  # bytes on the device; 0: that of the computer

    @property
    def usable(self) -> bool:
        return not self.reason


CPU = Device("cpu", "CPU (NumPy)")


def no_card(reason: str, fix: str = "") -> Device:
    return Device("cuda:0", "GPU (CuPy)", reason, fix)


def cards(report: dict[str, Any], packages: list[str]) -> list[Device]:
    """A record for each card of a report, at least one. packages: the names of the installed CuPy packages."""
    if report["cards"]:
        return [_card(number, card, report, packages) for number, card in enumerate(report["cards"])]
    if report["status"] in CUDA_STATUSES:
        return [no_card(*CUDA_STATUSES[report["status"]])]
    if report["imported"]:
        return [no_card(f"CuPy finds no GPU: {report['problem']}.")]
    return [no_card(f"CuPy is only partly installed: {report['problem']}.", reinstall_command(packages))]


def _card(number: int, card: dict[str, Any], report: dict[str, Any], packages: list[str]) -> Device:
    label, failed = f"GPU {number}: {card['name']}", card["failed"]
    reason = fix = ""
    if failed in LIBRARY_OF_TRIAL and any(sign in card["problem"] for sign in MISSING_LIBRARY):
        reason, fix = f"GPU found, {LIBRARY_OF_TRIAL[failed]} missing", INSTALL_COMMAND
        ours, theirs = report["built_for"], report["nvrtc"]
        if failed != "kernel" and theirs > ours > 0:
            reason += f": the CUDA libraries are of version {theirs}, this CuPy is for {ours}"
            fix = f"{INSTALL_COMMAND} (or, for CUDA {theirs}: pip uninstall -y {' '.join(packages)} && "
            fix += f"pip install cupy-cuda{theirs}x)"
        reason += "."
    elif failed:
        reason, fix = f"The GPU failed in its trial ({failed}): {card['problem']}.", "Update the NVIDIA driver."
    return Device(f"cuda:{number}", label, reason, fix, card["memory"])


def reinstall_command(packages: list[str]) -> str:
    """The command that replaces these packages with the right one."""
    return f"pip uninstall -y {' '.join(packages)} && {INSTALL_COMMAND}"


def summarize(problem: BaseException) -> str:
    """Kind and last line of an error."""
    lines = str(problem).strip().splitlines() or [""]
    return f"{type(problem).__name__}: {lines[-1][:200]}".rstrip(". ")
