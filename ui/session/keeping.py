"""What is kept of a visitor's run, and by which rule. Where the visitor's record is, only state.py knows."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from lab.experiment.experiment import Experiment
from lab.experiment.replay import Replay
from lab.protocol.messages import Repeat
from lab.server.pool import Pool
from lab.store.kept_run import Curve, Figures, KeptRun, Thumbnail, best, finite, owner_of
from lab.store.shared import shared

RULES = {  # when a run is kept on its own: name in the store -> label
    "": "Never",
    "end": "When it ends by itself",
    "replaced": "Before it is reset or replaced",
    "always": "In both cases",
}
NOT_REPEATED = (
    "This run cannot be trained again as it was, because it began with the weights of a file or was changed too often; "
    "these are its settings."
)
AT_END, REPLACED = ("end", "always"), ("replaced", "always")  # rules that apply to the two moments
ENDED = ("stopped", "diverged")  # status of a run that has ended by itself


def keep(pool: Pool, token: str, experiment: Experiment, visitor: str, parent: str = "") -> str:
    """Keep a run as it is now; returns its id. Raises StoreError, Gone and Unreachable."""
    header, arrays = pool.ask(token, "keep")
    return shared().keep(kept_run(header, arrays, experiment, visitor, parent))[0]


def kept_run(header: dict[str, Any], arrays: Mapping[str, Any], experiment: Experiment, visitor: str,
             parent: str = "") -> KeptRun:  # fmt: skip
    """The run of an answer to the query "keep"."""
    replay, curve = header["replay"], Curve(arrays["epochs"], arrays["values"])
    if replay:
        replay = Replay.from_values(replay, Experiment.from_valid_values(replay["experiment"]))
        experiment = replay.final_experiment
    best_epoch, best_loss = best(curve)
    return KeptRun(
        experiment, replay, header["status"], header["epoch"], header["steps"], header["seconds"], header["score"],
        Figures(**{name: finite(value) for name, value in header["last"].items()}), best_epoch, best_loss, curve,
        Thumbnail(header["thumbnail"], arrays["thumbnail"]) if header["thumbnail"] else None,
        parent=parent, machine=machine(header["device"], header["dtype"], header["way"]),
        fingerprint=header["fingerprint"], owner=owner_of(visitor),
    )  # fmt: skip


def machine(device: str, dtype: str, way: str) -> dict[str, str]:
    """Where a run was computed, and by what."""
    versions = {"python": platform.python_version(), "numpy": version("numpy")}
    return {"device": device, "dtype": dtype, "way": way, "processor": platform.machine(), **versions}


def repetition(run: KeptRun) -> Repeat | None:
    """The command that trains a kept run again; None where it cannot be repeated."""
    if not (replay := run.replay):
        return None
    changes = [dict(change) for change in replay.changes]
    is_diverged = run.diverged and replay.steps > 0
    return Repeat(
        replay.experiment, changes, replay.steps, replay.epochs, replay.way, run.fingerprint, is_diverged
    )  # fmt: skip
