"""A record for each device of the menu: a processor or card, and if it cannot be used why, and how to fix that.

backend.py reports what it finds out about a card as plain values; here that becomes a sentence.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, NamedTuple

INSTALL = "pip install -r requirements-gpu.txt"
DRIVER = "Install driver 525 or newer from nvidia.com."
LIBRARIES = MappingProxyType(
    {"kernel": "NVRTC", "product": "cuBLAS", "random": "cuRAND"}
)  # what a part of the trial needs
MISSING = ("cannot open shared object", "Failure finding", "NotFoundError", "failed to load", "DLL load failed")
STATUS = MappingProxyType(  # of CUDA: reason and fix
    {
        35: ("The NVIDIA driver is missing or too old for CUDA 12.", DRIVER),
        100: (
            "The NVIDIA driver is here, but it finds no GPU.",
            "Check whether CUDA_VISIBLE_DEVICES hides it, or whether a container was started without it.",
        ),
    }
)


class Device(NamedTuple):
    """`reason` says why it cannot be used and `fix` what to do, both "" when it can."""

    name: str
    label: str
    reason: str = ""
    fix: str = ""
    memory: int = 0  # bytes on the device; 0: as much as the computer has

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
    if report["status"] in STATUS:
        return [no_card(*STATUS[report["status"]])]
    if report["imported"]:
        return [no_card(f"CuPy finds no GPU: {report['problem']}.")]
    return [no_card(f"CuPy is only partly installed: {report['problem']}.", reinstall_command(packages))]


def _card(number: int, card: dict[str, Any], report: dict[str, Any], packages: list[str]) -> Device:
    label, failed = f"GPU {number}: {card['name']}", card["failed"]
    reason = fix = ""
    if failed in LIBRARIES and any(sign in card["problem"] for sign in MISSING):
        reason, fix = f"GPU found, {LIBRARIES[failed]} missing", INSTALL
        ours, theirs = report["built_for"], report["nvrtc"]
        if failed != "kernel" and theirs > ours > 0:
            reason += f": the CUDA libraries are of version {theirs}, this CuPy is for {ours}"
            fix = f"{INSTALL} (or, for CUDA {theirs}: pip uninstall -y {' '.join(packages)} && "
            fix += f"pip install cupy-cuda{theirs}x)"
        reason += "."
    elif failed:
        reason, fix = f"The GPU failed in its trial ({failed}): {card['problem']}.", "Update the NVIDIA driver."
    return Device(f"cuda:{number}", label, reason, fix, card["memory"])


def reinstall_command(packages: list[str]) -> str:
    """The command that replaces these packages by the right one."""
    return f"pip uninstall -y {' '.join(packages)} && {INSTALL}"


def summarize(problem: BaseException) -> str:
    """Kind and last line of an error."""
    lines = str(problem).strip().splitlines() or [""]
    return f"{type(problem).__name__}: {lines[-1][:200]}".rstrip(". ")
