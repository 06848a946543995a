"""Kept runs to measure with."""

from __future__ import annotations

import numpy as np

from lab.experiment.experiment import Experiment
from lab.experiment.replay import Replay
from lab.store.kept_run import Curve, Figures, KeptRun, Thumbnail, owner_of

VISITOR = "bench-bench-bench-bench"
PAUSE_S = 1.0  # between two runs of a writer
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)


def example(number: int, owner: str = owner_of(VISITOR)) -> KeptRun:
    """A kept run with a full curve; runs with different numbers are different runs."""
    rng = np.random.default_rng(number)
    rate, units = RATES[number % len(RATES)], 1 + number // len(RATES) % 16
    e = Experiment(learning_rate=rate, hidden=(units, 8), seed=1 + number % 999)
    epochs = np.arange(500)
    losses = (np.exp(-rate * epochs / 5) + 0.01 * rng.random((4, 500))).astype(np.float32)
    last = Figures(float(losses[0, -1]), None, float(losses[1, -1]), 0.9, None, 0.9)
    small = Thumbnail("value", rng.integers(0, 255, (40, 40)).astype(np.uint8))
    return KeptRun(e, Replay(e, steps=25_000), epoch=500, steps=25_000, last=last, curve=Curve(epochs, losses),
                   thumbnail=small, source=f"bench {number}", owner=owner)  # fmt: skip
