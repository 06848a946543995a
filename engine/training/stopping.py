"""When a run ends by itself: a table of rules, asked in this order at the end of every epoch.

A rule that has fired stays silent after `Trainer.resume`, until its settings change or the run is reset.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from engine.training.trainer import Trainer


class Best(NamedTuple):
    """The best network so far: what early stopping brings back."""

    value: float  # the monitored number, turned so that lower is better
    epoch: int
    parameters: np.ndarray  # (P,)
    state: dict[str, np.ndarray]  # running statistics


class Rule(NamedTuple):
    name: str
    settings: tuple[str, ...]  # changing one of these arms the rule again
    reason: Callable[[Trainer], str]  # why the run ends now; empty if it goes on


def _patience(trainer: Trainer) -> str:
    s, best = trainer.settings, trainer.best
    if not s.patience:
        return ""
    scores = trainer.evaluate()
    value = -scores.test_score if s.monitor == "test_score" else scores.test_loss
    if value < best.value - s.min_delta:
        trainer.best = Best(value, trainer.epochs, *trainer.network.copies())
    elif trainer.epochs - best.epoch >= s.patience:
        trainer.network.take(best.parameters, best.state)
        trainer.changed()
        what = f"The test {trainer.score_name if s.monitor == 'test_score' else 'loss'} has not improved"
        return f"{what} for {s.patience} epochs; the best weights, of epoch {best.epoch}, are back."
    return ""


def _target(trainer: Trainer) -> str:
    target = trainer.settings.target_accuracy
    reached = target and trainer.evaluate().test_score >= target
    return f"The test {trainer.score_name} has reached {target:g}." if reached else ""


def _epochs(trainer: Trainer) -> str:
    limit = trainer.settings.epochs
    return f"{limit} epochs are done." if limit and trainer.epochs >= limit else ""


def _seconds(trainer: Trainer) -> str:
    limit = trainer.settings.max_seconds
    return f"{limit:g} seconds of training are over." if limit and trainer.seconds >= limit else ""


RULES = {
    rule.name: rule
    for rule in (
        Rule("patience", ("patience", "min_delta", "monitor"), _patience),
        Rule("target", ("target_accuracy",), _target),
        Rule("epochs", ("epochs",), _epochs),
        Rule("seconds", ("max_seconds",), _seconds),
    )
}
