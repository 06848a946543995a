"""Learning-rate range test: raise the rate with every step and record the loss. The trainer does not change.

Source: Smith 2017, Cyclical Learning Rates for Training Neural Networks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.training.diagnostics import undisturbed
from engine.training.trainer import Trainer

LOSS_SAMPLES = 512  # fixed samples; the loss of a mini-batch fluctuates more than a step changes it
MIN_FALL = 0.02  # of the loss, as a share of the first one; a smaller fall may be chance
MAX_LOSS_RATIO = 4.0  # to the lowest loss, above which the test ends


class RateTest(NamedTuple):
    """The tested rates (n,), the loss after the step with each (n,), and a suggested rate.

    part: the one whose loss it is, "validation" or "train".
    """

    rates: np.ndarray
    losses: np.ndarray
    suggestion: float
    part: str


def find_rate(trainer: Trainer, *, from_start: bool = False, lowest: float = 1e-5, highest: float = 10.0,
              steps: int = 100) -> RateTest:  # fmt: skip
    """Train for at most `steps` batches while the rate grows from `lowest` to `highest` by a constant factor.

    from_start: with the initial weights instead of the current ones. The suggestion is a tenth of the rate at which the
    loss was lowest, and NaN if the loss did not fall by MIN_FALL.
    Raises ValueError for an empty range.
    """
    if not (0 < lowest < highest and steps >= 2):
        raise ValueError("The range test needs 0 < lowest < highest and at least 2 steps.")
    rates, losses = np.geomspace(lowest, highest, steps), []
    batches = np.random.default_rng(0).integers(len(trainer.x_train), size=(steps, trainer.batch_size))
    network, objective = trainer.network, trainer.objective
    part = trainer.data.selecting_part
    x_fixed, t_fixed, _ = (array[:LOSS_SAMPLES] for array in trainer.data.parts[part])
    with undisturbed(trainer):
        if from_start:
            trainer.progress.restore(trainer.initial)
        for rate, batch in zip(rates, batches, strict=True):
            x, t = trainer.x_train[batch], trainer.t_train[batch]
            trainer.optimizer.rate[()] = rate
            network.backward(objective.gradient(network.forward(x, train=True), t))
            trainer.update(x)
            loss = float(objective.value(network.forward(x_fixed), t_fixed))
            if not loss <= MAX_LOSS_RATIO * min([loss, *losses]):  # also if it is NaN
                break
            losses.append(loss)
    suggestion = np.nan
    if losses and min(losses) < (1 - MIN_FALL) * losses[0]:
        suggestion = float(rates[np.argmin(losses)] / 10)
    return RateTest(rates[: len(losses)], np.array(losses), suggestion, part)
