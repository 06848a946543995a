"""Stop rules: a table of conditions, checked in this order at the end of every epoch.

`Trainer.resume` disables the rule that has ended the run, until its settings change or the run is reset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from engine.formulas.metrics import Scores
from engine.step.settings import Settings

State = tuple[np.ndarray, dict[str, np.ndarray]]  # of a network: parameters (P,) and running statistics


class Best(NamedTuple):
    """The best network so far: what early stopping restores."""

    value: float  # the monitored number, negated if higher is better
    epoch: int
    parameters: np.ndarray  # (P,)
    state: dict[str, np.ndarray]  # running statistics


class Stop(NamedTuple):
    """The rule that has ended a run, and why. best: the network to restore, if any."""

    rule: str
    reason: str
    best: Best | None = None


class EpochEnd(NamedTuple):
    """The end of an epoch. scores: None if no enabled rule needs them; seconds: of training so far."""

    epoch: int
    seconds: float
    scores: Scores | None
    get_state: Callable[[], State]  # copies of the network's state, should it be the best so far


class StopRules:
    """The rules of one run. score_name: "accuracy" or "R2", for the reasons."""

    def __init__(self, score_name: str) -> None:
        self.score_name = score_name
        self.disabled: set[str] = set()
        self.best = Best(np.inf, 0, np.zeros(0), {})

    def reset(self, state: State) -> None:
        """Enable all rules; the state of the network is the best so far."""
        self.enable(*RULES)
        self.start_patience(0, state)

    def restore(self, best: Best, disabled: Iterable[str]) -> None:
        """Continue with the best network and the disabled rules of another run."""
        self.best, self.disabled = best, set(disabled)

    def enable(self, *names: str) -> None:
        self.disabled.difference_update(names)

    def disable(self, name: str) -> None:
        self.disabled.add(name)

    def start_patience(self, epoch: int, state: State) -> None:
        """Start to wait for an improvement at this epoch."""
        self.best = Best(np.inf, epoch, *state)

    def needs_scores(self, settings: Settings) -> bool:
        """Whether a rule checks the scores at the end of every epoch."""
        patience = settings.patience and "patience" not in self.disabled
        return bool(patience or (settings.target_accuracy and "target" not in self.disabled))

    def after_epoch(self, settings: Settings, end: EpochEnd) -> Stop | None:
        """The Stop of the first rule that ends the run, or None."""
        for rule in RULES.values():
            if rule.name not in self.disabled and (stop := rule.check(self, settings, end)):
                return stop
        return None

    def after_seconds(self, settings: Settings, seconds: float) -> Stop | None:
        """A Stop if the time limit of training is reached."""
        limit = settings.max_seconds
        if limit and seconds >= limit and "seconds" not in self.disabled:
            return Stop("seconds", f"{limit:g} seconds of training are over.")
        return None

    def _patience(self, s: Settings, end: EpochEnd) -> Stop | None:
        if not s.patience or end.scores is None:
            return None
        best, by_score = self.best, s.monitor == "test_score"
        value = -end.scores.test_score if by_score else end.scores.test_loss
        if value < best.value - s.min_delta:
            self.best = Best(value, end.epoch, *end.get_state())
        elif end.epoch - best.epoch >= s.patience:
            what = f"The test {self.score_name if by_score else 'loss'} has not improved for {s.patience} epochs"
            return Stop("patience", f"{what}; the best weights, of epoch {best.epoch}, are restored.", best)
        return None

    def _target(self, s: Settings, end: EpochEnd) -> Stop | None:
        target = s.target_accuracy
        if not target or end.scores is None or not end.scores.test_score >= target:
            return None
        return Stop("target", f"The test {self.score_name} has reached {target:g}.")

    def _epochs(self, s: Settings, end: EpochEnd) -> Stop | None:
        return Stop("epochs", f"{s.epochs} epochs are done.") if s.epochs and end.epoch >= s.epochs else None

    def _seconds(self, s: Settings, end: EpochEnd) -> Stop | None:
        return self.after_seconds(s, end.seconds)


class Rule(NamedTuple):
    name: str
    settings: tuple[str, ...]  # changing one of these enables the rule again
    check: Callable[[StopRules, Settings, EpochEnd], Stop | None]


RULES = {
    rule.name: rule
    for rule in (
        Rule("patience", ("patience", "min_delta", "monitor"), StopRules._patience),
        Rule("target", ("target_accuracy",), StopRules._target),
        Rule("epochs", ("epochs",), StopRules._epochs),
        Rule("seconds", ("max_seconds",), StopRules._seconds),
    )
}
