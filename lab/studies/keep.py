"""A trial as a kept run, which the page Runs shows beside all others."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from engine.formulas.metrics import Scores
from lab.experiment.experiment import Experiment
from lab.experiment.replay import Replay
from lab.store.kept_run import Curve, Figures, KeptRun, Thumbnail, best, finite
from lab.studies.task import Outcome


def kept_run(study: str, number: int, experiment: Experiment, outcome: Outcome, owner: str) -> KeptRun:
    """The run with the median of a trial. Its figures of the test part stay unknown.

    study: the name. Repeating a trial makes the same run, which is kept once.
    """
    result = outcome.result
    score = "accuracy" if experiment.source.kind == "classification" else "r2"
    names = {name: name.replace("score", score) for name in Figures._fields if not name.startswith("test")}
    figures = {name: finite(result.get(key)) for name, key in names.items()}
    status = "diverged" if outcome.why.startswith("Diverged") else "stopped" if outcome.state == "pruned" else "done"
    curve = _curve(outcome.curve)
    epoch, loss = best(curve)
    return KeptRun(
        experiment, Replay(experiment, steps=result["steps"], way=outcome.machine["way"]), status, result["epochs"],
        result["steps"], result["seconds"], "accuracy" if score == "accuracy" else "R2", Figures(**figures),
        epoch, loss, curve, _thumbnail(outcome.map), parent=f"study:{study}", source=f"study:{study}:{number}",
        machine=outcome.machine, fingerprint=outcome.fingerprint, owner=owner,
    )  # fmt: skip


def _curve(columns: dict[str, list[float]]) -> Curve:
    epochs = columns["epochs"]
    rows = [columns.get(name, [np.nan] * len(epochs)) for name in Scores._fields]
    return Curve(np.array(epochs, np.int32), np.array(rows, np.float32))


def _thumbnail(map: dict[str, Any]) -> Thumbnail | None:
    if not map:
        return None
    levels = np.frombuffer(base64.b64decode(map["levels"]), np.uint8).reshape(map["side"], map["side"])
    return Thumbnail(map["kind"], levels)
