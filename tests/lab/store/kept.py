"""Kept runs for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from lab.experiment.experiment import Experiment
from lab.experiment.replay import Replay
from lab.store.kept_run import Curve, Figures, KeptRun, Thumbnail

ANN, BOB = "a" * 40, "b" * 40


def run(number: int = 0, owner: str = ANN, **more: Any) -> KeptRun:
    """Runs with different numbers are different runs; each is the same every time."""
    fields = more.pop("fields", {"learning_rate": 0.1, "seed": number})
    experiment = Experiment(**fields)
    epochs, rng = np.arange(5), np.random.default_rng(number)
    values = rng.random((4, 5)).astype(np.float32)
    values[1, 2] = np.nan
    usual: dict[str, Any] = {
        "replay": Replay(experiment, steps=15), "epoch": 4, "steps": 15, "seconds": 0.25,
        "last": Figures(train_loss=float(values[0, -1]), test_loss=float(values[1, -1]), test_score=0.5),
        "best_epoch": 1, "best_loss": float(values[1, 1]), "curve": Curve(epochs, values),
        "thumbnail": Thumbnail("value", np.arange(12, dtype=np.uint8).reshape(3, 4)),
        "machine": {"device": "cpu", "numpy": "2.4"}, "fingerprint": f"{number:032x}", "owner": owner,
    }  # fmt: skip
    return KeptRun(experiment, **{**usual, **more})
