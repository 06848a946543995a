"""The learning-rate range test as a query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.training.rate_finder import LOSS_SAMPLES, find_rate

if TYPE_CHECKING:
    from lab.training.run import Run

MAX_MULTIPLY_ADDS = 1e9  # of one test; a large network tries fewer rates
FEWEST, MOST = 20, 100


def rate_test(
    run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Rates, losses and a suggestion for the current weights; None if no rate made the loss lower."""
    trainer = run.trainer
    samples = 3 * trainer.batch_size + min(LOSS_SAMPLES, len(trainer.x_train))
    steps = int(np.clip(MAX_MULTIPLY_ADDS / max(1, run.frames.multiply_adds * samples), FEWEST, MOST))
    found = find_rate(trainer, steps=steps)
    suggestion = float(f"{found.suggestion:.1g}") if np.isfinite(found.suggestion) else None
    header = {"suggestion": suggestion, "epoch": trainer.epochs, "optimizer": run.experiment.optimizer}
    return header, {"rates": found.rates, "losses": found.losses}
