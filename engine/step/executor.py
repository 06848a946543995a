"""The interface between the training loop and the way its steps are executed.

An executor gets the data, the formulas of a step and the progress of the run, but not the trainer. Implementations are
the tape (engine/tape) and CUDA (engine/gpu); engine/training/executors.py chooses one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from engine.formulas.metrics import Scores

Clock = Callable[[], float]


class EpochScores(NamedTuple):
    """Scores at the ends of n epochs, oldest first. steps: of the run at those times."""

    epochs: np.ndarray  # (n,)
    steps: np.ndarray  # (n,)
    values: np.ndarray  # (n, len(Scores._fields)) float64


NO_SCORES = EpochScores(np.empty(0, int), np.empty(0, int), np.empty((0, len(Scores._fields))))


class TimeSlice:
    """A limit on the duration of a call, by a clock that returns seconds."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self.clock, self.seconds = clock, seconds
        self.restart()

    def restart(self) -> None:
        """Begin now: what has passed was no training."""
        self.start = self.clock()

    def is_over(self) -> bool:
        return self.clock() - self.start >= self.seconds


class Executor(Protocol):
    """Executes training steps and evaluations.

    Changes from outside are detected by two counters: `Progress.revision` for replaced parameters and
    `StepFormulas.revision` for changed settings.
    """

    way: str  # "tape", "compiled" or "cuda"; the ways round differently. Empty until the first step, if that decides
    is_remote: bool  # whether reading a result waits for a device

    @property
    def min_check_interval(self) -> int:
        """Least number of steps between two checks of the parameters; larger if a check is costly."""
        ...

    def choose(self, way: str) -> None:
        """Continue a run that began this way, if possible; with an empty text, decide again at the first step."""
        ...

    def prepare(self) -> None:
        """Start whatever takes long and the next steps need with the current settings, in the background."""
        ...

    def is_ready(self) -> bool:
        """Whether the next steps begin at once; otherwise `steps` would wait. Asked when a step is due. Never waits."""
        ...

    def steps(self, limit: int, time_slice: TimeSlice | None = None, evaluate_every: int = 0) -> Any:
        """Take at least one and at most `limit` steps, and advance the progress by them.

        May return early, and must do so when the time slice is over or an epoch ends. With evaluate_every = n > 0 it
        may continue past the end of an epoch if it adds the scores of every epoch divisible by n to `pending_scores`.
        """
        ...

    def evaluate(self) -> dict[str, tuple[np.ndarray, float]]:
        """Logits (N, O) and mean loss of each part of `Data.evaluated`, for the current parameters."""
        ...

    def defer_scores(self) -> bool:
        """Whether the scores of the epoch that has just ended are left to `pending_scores`."""
        ...

    def pending_scores(self) -> EpochScores:
        """The scores deferred since the last call. Waits for the device."""
        ...

    def synchronize(self) -> None:
        """Update the network and the optimizer on the host."""
        ...

    def wait(self) -> None:
        """Return when all started steps are done."""
        ...
