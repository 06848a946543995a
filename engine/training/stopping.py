"""Stop rules: a table of conditions, checked in this order at the end of every epoch.

They look at the validation part, or at the training part if there is none, and never at the test part. Early stopping
(`patience`) also restores the best weights, whichever rule ends the run.

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
    """The rule that has ended a run, and a sentence that says why. best: the network to restore, if any."""

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
    """The rules of one run.

    score_name: "accuracy" or "R2", for the reasons; part: the one that is looked at, "validation" or "train".
    """

    def __init__(self, score_name: str, part: str) -> None:
        self.part, self.part_name = part, {"train": "training"}.get(part, part)
        self.loss_name, self.score_name = f"{self.part_name} loss", f"{self.part_name} {score_name}"
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
        """Whether the scores are needed at the end of every epoch: for a rule, or for the best weights."""
        targets = {"target": settings.target_accuracy, "target_loss": settings.target_loss}
        return bool(settings.patience or any(value and rule not in self.disabled for rule, value in targets.items()))

    def after_epoch(self, settings: Settings, end: EpochEnd) -> Stop | None:
        """The Stop of the first rule that ends the run, or None."""
        if settings.patience and end.scores is not None:
            value = self._monitored(settings, end.scores)
            if value < self.best.value - settings.min_delta:
                self.best = Best(value, end.epoch, *end.get_state())
        for rule in RULES.values():
            if rule.name not in self.disabled and (reason := rule.reason(self, settings, end)):
                return self._stop(rule.name, reason, settings)
        return None

    def after_seconds(self, settings: Settings, seconds: float) -> Stop | None:
        """A Stop if the time limit of training is reached."""
        reason = "" if "seconds" in self.disabled else self._time_is_over(settings, seconds)
        return self._stop("seconds", reason, settings) if reason else None

    def _stop(self, rule: str, reason: str, settings: Settings) -> Stop:
        if not settings.patience or self.best.value == np.inf:  # no epoch has ended
            return Stop(rule, f"{reason}.")
        return Stop(rule, f"{reason}; the best weights, of epoch {self.best.epoch}, are restored.", self.best)

    def _monitored(self, s: Settings, scores: Scores) -> float:
        """What has to fall."""
        loss, score = scores.of(self.part)
        return -score if s.monitor == "validation_score" else loss

    def _patience(self, s: Settings, end: EpochEnd) -> str:
        if not s.patience or end.epoch - self.best.epoch < s.patience:
            return ""
        what = self.score_name if s.monitor == "validation_score" else self.loss_name
        return f"The {what} has not improved for {s.patience} epoch{_ending(s.patience)}"

    def _target(self, s: Settings, end: EpochEnd) -> str:
        reached = s.target_accuracy and end.scores is not None and end.scores.of(self.part)[1] >= s.target_accuracy
        return f"The {self.score_name} has reached {s.target_accuracy:g}" if reached else ""

    def _target_loss(self, s: Settings, end: EpochEnd) -> str:
        reached = s.target_loss and end.scores is not None and end.scores.of(self.part)[0] <= s.target_loss
        return f"The {self.loss_name} has reached {s.target_loss:g}" if reached else ""

    def _epochs(self, s: Settings, end: EpochEnd) -> str:
        return f"Stopped after {s.epochs:,} epoch{_ending(s.epochs)}" if s.epochs and end.epoch >= s.epochs else ""

    def _seconds(self, s: Settings, end: EpochEnd) -> str:
        return self._time_is_over(s, end.seconds)

    def _time_is_over(self, s: Settings, seconds: float) -> str:
        is_over = s.max_seconds and seconds >= s.max_seconds
        return f"Stopped after {s.max_seconds:g} second{_ending(s.max_seconds)} of training" if is_over else ""


def _ending(number: float) -> str:
    """Of the noun after a number: 1 epoch, 2 epochs."""
    return "" if number == 1 else "s"


class Rule(NamedTuple):
    name: str
    settings: tuple[str, ...]  # changing one of these enables the rule again
    reason: Callable[[StopRules, Settings, EpochEnd], str]  # why it ends the run; empty if it does not


RULES = {
    rule.name: rule
    for rule in (
        Rule("patience", ("patience", "min_delta", "monitor"), StopRules._patience),
        Rule("target", ("target_accuracy",), StopRules._target),
        Rule("target_loss", ("target_loss",), StopRules._target_loss),
        Rule("epochs", ("epochs",), StopRules._epochs),
        Rule("seconds", ("max_seconds",), StopRules._seconds),
    )
}
