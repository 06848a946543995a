"""Learning-rate range test: raise the rate a little with every step and watch the loss. The trainer is left as it was.

Source: Smith 2017, Cyclical Learning Rates for Training Neural Networks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.diagnostics import undisturbed
from engine.trainer import Trainer

SMOOTHING = 0.9  # share of the running mean that each step keeps
HOPELESS = 4.0  # times the lowest loss: nothing more to learn from higher rates


class RateTest(NamedTuple):
    """The rates tried (n,), the smoothed training losses before the step with each (n,), and a rate fast and safe."""

    rates: np.ndarray
    losses: np.ndarray
    suggestion: float


def find_rate(trainer: Trainer, *, lowest: float = 1e-5, highest: float = 10.0, steps: int = 100) -> RateTest:
    """Train for at most `steps` batches while the rate grows from `lowest` to `highest` by a constant factor.

    The suggestion is a tenth of the rate at which the smoothed loss was lowest. Raises ValueError for an empty range.
    """
    if not (0 < lowest < highest and steps >= 2):
        raise ValueError("The range test needs 0 < lowest < highest and at least 2 steps.")
    rates, losses, mean = np.geomspace(lowest, highest, steps), [], 0.0
    batches = np.random.default_rng(0).integers(len(trainer.x_train), size=(steps, trainer.batch_size))
    with undisturbed(trainer):
        for number, (rate, batch) in enumerate(zip(rates, batches, strict=True), start=1):
            x, t = trainer.x_train[batch], trainer.t_train[batch]
            z = trainer.network.forward(x, train=True)
            mean = SMOOTHING * mean + (1 - SMOOTHING) * float(trainer.objective.value(z, t))
            loss = mean / (1 - SMOOTHING**number)
            if not loss <= HOPELESS * min([loss, *losses]):  # also when it is no number
                break
            losses.append(loss)
            trainer.optimizer.rate[()] = rate
            trainer.network.backward(trainer.objective.gradient(z, t))
            trainer.update(x)
    suggestion = rates[int(np.argmin(losses))] / 10 if losses else np.nan
    return RateTest(rates[: len(losses)], np.array(losses), float(suggestion))
