"""The interface between the training loop and a way to execute its steps.

An executor is given the data, the formulas of a step and the progress of the run; it never sees the trainer. The tape
(engine/tape) and CUDA (engine/gpu) are two of them. The trainer obtains one from engine/training/executors.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from engine.formulas.metrics import Scores

Clock = Callable[[], float]


class EpochScores(NamedTuple):
    """Scores that an executor computed at the end of an epoch. steps: of the whole run until then."""

    epoch: int
    steps: int
    scores: Scores


class TimeSlice:
    """Bounds the time of a call by a clock that returns seconds."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self.clock, self.seconds = clock, seconds
        self.start = clock()

    def is_over(self) -> bool:
        return self.clock() - self.start >= self.seconds


class Executor(Protocol):
    """Executes training steps and evaluations.

    It notices by itself what others have changed: `Progress.revision` grows when parameters were replaced, and
    `StepFormulas.revision` when settings were.
    """

    min_check_interval: int  # steps between two checks of the parameters, at least: what reading them is worth

    def steps(self, limit: int, time_slice: TimeSlice | None = None, evaluate_every: int = 0) -> Any:
        """Take at least one and at most `limit` steps, and advance the progress by them.

        May return early; has to when the time slice is over, and when an epoch ends. With evaluate_every = n > 0 it
        may go on past the end of an epoch, if it adds the scores of every epoch divisible by n to `pending_scores`.
        """
        ...

    def evaluate(self) -> list[tuple[np.ndarray, float]]:
        """Logits (N, O) and mean loss of each of `Data.evaluated`, for the current parameters."""
        ...

    def defer_scores(self) -> bool:
        """Whether the scores at the end of this epoch will be among `pending_scores` and need not be computed now."""
        ...

    def pending_scores(self) -> list[EpochScores]:
        """The deferred scores since the last call, oldest first. Waits for them."""
        ...

    def synchronize(self) -> None:
        """Bring the network and the optimizer on the host up to date."""
        ...

    def wait(self) -> None:
        """Return when all steps that were started are done."""
        ...
