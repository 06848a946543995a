"""The learning-rate range test as a query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.training.rate_finder import LOSS_SAMPLES, find_rate
from lab.protocol.messages import Answer
from lab.training.run import Run

MAX_MULTIPLY_ADDS = 1e9  # of one test; a large network tries fewer rates
MIN_STEPS, MAX_STEPS = 20, 100


def rate_test(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """Rates, losses and a suggestion; the suggestion is None if no rate lowered the loss enough.

    options: from_start, whether the initial weights are tested. epoch: of the tested weights;
    part: whose losses they are, "validation" or "train"; samples: number of its examples that give the loss.
    """
    trainer = run.trainer
    evaluated = min(LOSS_SAMPLES, len(trainer.data.parts[trainer.data.selecting_part].x))
    samples = 3 * trainer.batch_size + evaluated
    steps = int(np.clip(MAX_MULTIPLY_ADDS / max(1, run.frames.multiply_adds * samples), MIN_STEPS, MAX_STEPS))
    found = find_rate(trainer, from_start=options["from_start"], steps=steps)
    suggestion = float(f"{found.suggestion:.1g}") if np.isfinite(found.suggestion) else None
    epoch = 0 if options["from_start"] else trainer.epochs
    header = {"suggestion": suggestion, "epoch": epoch, "optimizer": run.experiment.optimizer}
    return header | {"part": found.part, "samples": evaluated}, {"rates": found.rates, "losses": found.losses}
