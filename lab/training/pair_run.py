"""Two members of a group in lock step: neither begins an epoch before the other has ended the one before."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import numpy as np

from engine.formulas.metrics import Scores
from engine.training.trainer import RunState, Trainer
from lab.experiment.group import Group
from lab.training.group_run import Known, Prepared, prepare
from lab.training.replayed_training import ReplayedTraining


class Side:
    """One of the two: its trainer, and its state at the moment at which they become different."""

    def __init__(self, group: Group, number: int, known: Iterable[Known | Prepared]) -> None:
        replay = group.replay_of(number)
        self.prepared = prepare(replay.experiment, known)
        self.trainer = self.prepared.trainer
        self._training = ReplayedTraining(self.trainer, replay)
        self._first: RunState | None = None
        self._first_epoch, self._first_step = group.first_epoch, group.start.steps if group.start else 0

    @property
    def has_ended(self) -> bool:
        return self._training.has_ended

    @property
    def epochs(self) -> int:
        """Since they became different; -1 before."""
        return -1 if self._first is None else self.trainer.epochs - self._first_epoch

    @property
    def status(self) -> str:
        """running, stopped (by a rule) or diverged."""
        return "diverged" if self.trainer.divergence is not None else "stopped" if self.trainer.stopped else "running"

    def advance(self, seconds: float, clock: Callable[[], float]) -> None:
        """Train for about `seconds`, up to the end of an epoch."""
        if self._first is not None:
            return self._training.advance(seconds, self.trainer.epochs + 1, clock)
        self._training.advance(seconds, self._first_epoch + 1, clock, self._first_step)
        if self.has_ended or self.trainer.steps >= self._first_step or self.trainer.epochs > self._first_epoch:
            self._first = self.trainer.get_state()

    def back(self) -> None:
        """Return to the moment at which they became different."""
        if self._first is not None:
            self.trainer.set_state(self._first)

    def curve(self, part: str) -> dict[str, np.ndarray]:
        """epochs, losses and scores (n,) of a part, with those before they became different."""
        history = self.trainer.history
        losses, scores = (history.values[Scores._fields.index(f"{part}_{kind}")] for kind in ("loss", "score"))
        return {"epochs": history.epochs, "losses": losses, "scores": scores}


class PairRun:
    """Owns two trainers. problem: a sentence where one could not be trained, which ends the pair."""

    def __init__(
        self, group: Group, numbers: tuple[int, int], clock: Callable[[], float] = time.perf_counter,
        known: Known | None = None,
    ) -> None:  # fmt: skip
        """numbers: of the members; known: data that they use, too, if it is theirs."""
        self.group, self.numbers, self.clock, self._known = group, numbers, clock, known
        self.sides: list[Side] = []
        self.until = 0  # epochs since they became different, to which they train
        self.problem = ""

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do until another request."""
        return bool(self.problem) or (len(self.sides) == 2 and self._behind() is None)

    @property
    def trainers(self) -> list[Trainer]:
        return [side.trainer for side in self.sides]

    def _behind(self) -> Side | None:
        """The side that trains next."""
        left = [side for side in self.sides if side.epochs < 0 or (side.epochs < self.until and not side.has_ended)]
        return min(left, key=lambda side: side.epochs, default=None)

    def go_to(self, epochs: int) -> None:
        """Train both to this epoch since they became different; an earlier one than theirs begins there again."""
        self.until = epochs
        if any(side.epochs > epochs for side in self.sides):
            for side in self.sides:
                side.back()

    def is_ready(self) -> bool:
        """Whether `advance` has something to do, and does not wait for the compiler."""
        side = self._behind()
        return side is None or side.trainer.is_ready()

    @np.errstate(all="ignore")
    def advance(self, seconds: float) -> None:
        """Train for about `seconds`; a side is built as one piece."""
        ends = self.clock() + seconds
        while len(self.sides) < 2:
            known = (*([self._known] if self._known else ()), *(side.prepared for side in self.sides))
            self.sides.append(Side(self.group, self.numbers[len(self.sides)], known))
            if self.clock() >= ends:
                return
        while (side := self._behind()) is not None and side.trainer.is_ready():
            side.advance(max(0.0, ends - self.clock()), self.clock)
            if self.clock() >= ends:
                return

    def fail(self, problem: str) -> None:
        """End it because of a problem, a sentence."""
        self.problem = problem
        self.release()

    def release(self) -> None:
        """Give up both trainers; they begin again when somebody asks."""
        self.sides.clear()
