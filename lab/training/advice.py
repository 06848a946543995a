"""Advice on a run: one sentence about its behavior and, where possible, a change to try.

The first rule of the table that applies to the run gives the advice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from data.counted import counted
from engine.formulas.metrics import Scores
from engine.training.diagnostics import LayerReport, examine
from engine.training.trainer import Trainer
from lab.experiment.architecture import architecture_of
from lab.experiment.experiment import Experiment
from lab.experiment.presets import PRESETS

ADVICE_INTERVAL_S = 2.0  # between two evaluations of the rules, which cost a training step
WINDOW = 20  # of the curve that count as "now"; as many before them are "before"
GOOD, FAIR, BAD = 0.97, 0.95, 0.9  # accuracy or R2
JUMPY_SHARE = 0.1  # mean change between points of the curve, relative to the loss
SLOW_RATES = {"sgd": 0.01, "momentum": 0.003, "nesterov": 0.003}  # largest learning rates that count as small
SLOW_RATE = 0.0003  # of all other optimizers


def _changes(preset: str) -> dict[str, Any]:
    return Experiment().changed_fields(PRESETS[preset].experiment)


NEXT = {  # data set -> what to try after it: name, and the fields to change
    "gauss": ("the circle", {"dataset": "circle"}),
    "circle": ("exclusive or", {"dataset": "xor"}),
    "xor": ("two moons", {"dataset": "moons"}),
    "moons": ("the spiral", _changes("spiral")),
    "spiral": ("three classes", _changes("three_classes")),
}


class Advice(NamedTuple):
    """An observation and, optionally, fields of the experiment to change, with the label of the button for it."""

    text: str
    label: str = ""
    changes: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """For the header of a frame."""
        return {"text": self.text, "fix": {"label": self.label, "changes": self.changes} if self.changes else None}


@dataclass(frozen=True)
class RunView:
    """The input of the rules: the experiment, the current network and the curve. Reading does not change them."""

    experiment: Experiment
    trainer: Trainer

    @cached_property
    def epochs(self) -> np.ndarray:
        return self.trainer.history.epochs

    @cached_property
    def train(self) -> np.ndarray:
        """Training losses, one for each of `epochs`."""
        return self.trainer.history.values[0]

    @cached_property
    def held_out_part(self) -> str:
        """The part that shows what is learned beyond the training part: the test part only if there is no other."""
        return "validation" if "validation" in self.trainer.data.parts else "test"

    @cached_property
    def held_out(self) -> np.ndarray:
        """Losses of that part, one for each of `epochs`."""
        return self.trainer.history.values[Scores._fields.index(f"{self.held_out_part}_loss")]

    @cached_property
    def scores(self) -> tuple[float, float]:
        """Accuracy or R2 on the training part and on the held-out part."""
        scores = self.trainer.evaluate()
        return scores.train_score, scores.of(self.held_out_part)[1]

    @cached_property
    def window(self) -> int:
        """Number of epochs of "now"; 0 while the curve is too short for "now" and "before"."""
        return int(self.epochs[-1] - self.epochs[-1 - WINDOW]) if len(self.epochs) >= 2 * WINDOW else 0

    @cached_property
    def fall(self) -> float:
        """Relative decrease of the training loss from "before" to "now"."""
        before, now = (float(np.median(part)) for part in (self.train[-2 * WINDOW : -WINDOW], self.train[-WINDOW:]))
        return 1 - now / max(before, 1e-12)

    @cached_property
    def jump(self) -> float:
        """Mean change between points of the curve, relative to the loss."""
        now = self.train[-WINDOW:]
        return float(np.abs(np.diff(now)).mean() / max(float(now.mean()), 1e-12))

    @cached_property
    def reports(self) -> list[LayerReport]:
        """Reports on the activations of the hidden layers."""
        looks = examine(self.trainer)
        found = (block.find("activation") for block in architecture_of(self.experiment).blocks)
        return [looks[activation.name].report for activation in found if activation]

    @property
    def hidden_reports(self) -> list[tuple[str, LayerReport]]:
        """Activation and report of each dense hidden layer; the reports of convolutions come before theirs."""
        names = self.experiment.activation_names
        return list(zip(names, self.reports[len(self.reports) - len(names) :], strict=True))

    @property
    def is_stuck(self) -> bool:
        """Whether the training loss no longer falls although the training score is bad."""
        return self.window > 0 and self.scores[0] < BAD and self.fall <= 0.02

    @property
    def is_linear(self) -> bool:
        return all(name == "linear" for name in self.experiment.activation_names)


def _copies(s: RunView) -> Advice | None:
    for block in architecture_of(s.experiment).dense[:-1]:
        layer = s.trainer.network[block.weights.name]
        if s.epochs[-1] >= 3 and layer.units > 1 and np.ptp(layer.W, axis=1).max() == 0 and np.ptp(layer.b) == 0:
            text = f"All neurons of {block.title.lower()} are copies of one another: equal weights get equal gradients."
            text += " They need different initial weights."
            return Advice(text, "Try Glorot", {"initializer": "glorot_uniform"})
    return None


def _dead(s: RunView) -> Advice | None:
    if s.epochs[-1] < 3 or s.scores[0] >= BAD:
        return None
    for number, (name, report) in enumerate(s.hidden_reports, 1):
        if name == "relu" and report.dead >= 0.4:
            count, units = round(report.dead * s.experiment.hidden[number - 1]), s.experiment.hidden[number - 1]
            text = f"{count} of {counted(units, 'neuron')} in hidden layer {number} are zero for every point"
            text += ": dead ReLUs get no gradient."
            return Advice(text, "Try Leaky ReLU", {"activations": "leaky_relu"})
    return None


def _vanishing(s: RunView) -> Advice | None:
    if not s.is_stuck or len(s.reports) < 3:
        return None
    first, last = s.reports[0].gradient_std, s.reports[-1].gradient_std
    if not first < 0.02 * last:
        return None
    times = float(f"{min(last / max(first, 1e-30), 1e6):.1g}")  # one digit, so that the sentence rarely changes
    text = f"By the first hidden layer the gradient is {times:,.0f} times smaller"
    if "sigmoid" in s.experiment.activation_names:
        return Advice(f"{text}: each sigmoid passes on at most a quarter.", "Try Tanh", {"activations": "tanh"})
    return Advice(f"{text}: it vanishes.", "Try batch normalization", {"batch_norm": True})


def _jumps(s: RunView) -> Advice | None:
    if not s.window or s.scores[0] >= FAIR or s.fall > 0.3 or s.jump < JUMPY_SHARE:
        return None
    if s.trainer.network.couples_samples and s.trainer.training_loss_ratio() <= 1:
        return None  # only the running statistics jump
    rate = float(f"{s.experiment.learning_rate / 10:.1g}")
    text = f"The loss jumps up and down without settling for {s.window} epochs: the learning rate is too high."
    return Advice(text, f"Try learning rate {rate:g}", {"learning_rate": rate})


def _overfits(s: RunView) -> Advice | None:
    if not s.window or s.scores[1] >= GOOD or s.jump >= JUMPY_SHARE:
        return None
    best = int(s.held_out.argmin())
    held_out, train = (float(np.median(loss[-WINDOW:])) for loss in (s.held_out, s.train))
    since = int(s.epochs[-1] - s.epochs[best])
    diverge = held_out > 1.15 * s.held_out[best] and train < 0.9 * s.train[best] and held_out > train
    if len(s.held_out) - best < WINDOW or not diverge:
        return None
    text = f"{s.held_out_part.capitalize()} loss has risen for {since} epochs while training loss falls: overfitting."
    l2 = next((rate for rate in (0.001, 0.003, 0.01, 0.03, 0.1) if rate > s.experiment.l2), None)
    return Advice(text, f"Try L2 {l2:g}", {"l2": l2}) if l2 else Advice(f"{text} More points would help.")


def _saturated(s: RunView) -> Advice | None:
    if not s.is_stuck:
        return None
    for number, (name, report) in enumerate(s.hidden_reports, 1):
        if name in ("tanh", "sigmoid") and report.saturated >= 0.5:
            text = f"Most outputs of hidden layer {number} lie where its curve is flat: saturated neurons hardly learn."
            return Advice(text, "Try batch normalization", {"batch_norm": True})
    return None


def _linear(s: RunView) -> Advice | None:
    if not s.is_stuck or not s.is_linear:
        return None
    what = "Linear layers" if s.experiment.hidden else "A network without hidden layers"
    text = f"{what} can only draw a straight boundary, and the loss no longer falls"
    text += ": the data need a non-linear activation."
    changes = {"activations": "tanh"} if s.experiment.hidden else {"hidden": [4], "activations": "tanh"}
    return Advice(text, "Try Tanh" if s.experiment.hidden else "Try a hidden layer", changes)


def _slow(s: RunView) -> Advice | None:
    if not s.window or s.scores[0] >= BAD or s.jump > 0.005 or not 0 < s.fall < 0.05:
        return None
    text = f"The loss has fallen by less than {np.ceil(s.fall * 100):.0f}% in {s.window} epochs"
    rate = s.experiment.learning_rate
    if rate <= SLOW_RATES.get(s.experiment.optimizer, SLOW_RATE):
        faster = float(f"{rate * 10:.1g}")
        return Advice(
            f"{text}: the learning rate is small.", f"Try learning rate {faster:g}", {"learning_rate": faster}
        )
    if s.experiment.batch_size == 0:
        return Advice(f"{text}: with all training points in each step, an epoch is one step.", "Try batches of 10",
                      {"batch_size": 10})  # fmt: skip
    return None


def _underfits(s: RunView) -> Advice | None:
    hidden = s.experiment.hidden
    if not s.window or s.epochs[-1] < 100 or s.scores[0] >= BAD or s.fall > 0.05 or not hidden or max(hidden) > 16:
        return None
    text = "The training loss no longer falls and training points are still wrong: the network is too small."
    wider = [min(2 * units, 32) for units in hidden]
    return Advice(text, f"Try {wider[0]} neurons", {"hidden": wider})


def _done(s: RunView) -> Advice | None:
    if s.epochs[-1] < 1 or min(s.scores) < GOOD:
        return None
    if s.experiment.source.kind == "regression":
        return Advice(f"The network explains {s.scores[1]:.0%} of the variance of the {s.held_out_part} points.")
    share = "All" if s.scores[1] == 1 else f"{s.scores[1]:.0%} of the"
    text = f"{share} {s.held_out_part} points are classified correctly."
    name, changes = NEXT.get(s.experiment.dataset, ("", None))
    return Advice(text, f"Next: {name}", changes) if changes else Advice(f"{text} Add noise or try a harder data set.")


class Rule(NamedTuple):
    name: str
    advise: Callable[[RunView], Advice | None]


RULES = {
    rule.name: rule
    for rule in (
        Rule("copies", _copies),
        Rule("dead", _dead),
        Rule("vanishing", _vanishing),
        Rule("jumps", _jumps),
        Rule("overfits", _overfits),
        Rule("saturated", _saturated),
        Rule("linear", _linear),
        Rule("slow", _slow),
        Rule("underfits", _underfits),
        Rule("done", _done),
    )
}


def advise(experiment: Experiment, trainer: Trainer) -> Advice | None:
    """The advice of the first rule that applies; None if none does, before the first epoch and after a divergence."""
    if trainer.divergence is not None or trainer.history.count < 2:
        return None
    view = RunView(experiment, trainer)
    return next((advice for rule in RULES.values() if (advice := rule.advise(view))), None)


class Adviser:
    """Advises on one run, at most once every ADVICE_INTERVAL_S."""

    def __init__(self, time: float = -np.inf, steps: int = 0) -> None:
        """time, steps: from when on the run is to be judged."""
        self.time, self.steps = time, steps  # of the latest evaluation
        self.advice: dict[str, Any] | None = None

    def update(self, now: float, experiment: Experiment, trainer: Trainer) -> dict[str, Any] | None:
        """The current advice for the header of a frame at time `now` in seconds."""
        if trainer.steps != self.steps and now - self.time >= ADVICE_INTERVAL_S:
            advice = advise(experiment, trainer)
            self.time, self.steps, self.advice = now, trainer.steps, advice.as_dict() if advice else None
        return self.advice


def loss_note(trainer: Trainer) -> str:
    """How large the loss of a network is that knows no more than the mean target, and which loss that is."""
    objective = trainer.objective
    guess = objective.guess(trainer.data.evaluated["train"].t)
    if guess is None:
        return f"Loss: {objective.loss.label.lower()}."
    how = "Always predicting the mean" if objective.kind == "regression" else "Guessing"
    return f"{how} gives a loss of {guess:.3g} ({objective.loss.label.lower()})."


def goal(experiment: Experiment, trainer: Trainer, scores: Scores) -> dict[str, Any] | None:
    """The targets of a run and its current loss or score, if there is a target."""
    loss, score = scores.of(trainer.data.selecting_part)
    targets = (
        (trainer.rules.score_name, experiment.target_accuracy, score),
        (trainer.rules.loss_name, experiment.target_loss, loss),
    )
    texts = [
        f"Goal: {name} {target:g}. Now: {'undefined' if np.isnan(now) else f'{now:.3f}'}."
        for name, target, now in targets
        if target
    ]
    return {"text": " ".join(texts), "fix": None} if texts else None
