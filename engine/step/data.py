"""The parts of the data that a network is trained and evaluated on, and the scores of an evaluation."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from engine.formulas import metrics
from engine.formulas.losses import Objective
from engine.formulas.metrics import Scores

MAX_EVALUATED_SAMPLES = 2000  # of the training part; the split has shuffled it, so the first are a fair sample


Examples = tuple[np.ndarray, np.ndarray]
"""Inputs (N, D), and class numbers or values (N,)."""


class Part(NamedTuple):
    """Inputs x (N, D), targets t (N, O) as `Objective.targets` makes them, labels (N,): class numbers or values."""

    x: np.ndarray
    t: np.ndarray
    labels: np.ndarray


class Data:
    """The parts in the precision of the network: "train", "test", and "validation" if it has examples.

    evaluated: the samples for the scores, which are the first MAX_EVALUATED_SAMPLES of the training part and the whole
    of every other part.
    """

    def __init__(self, objective: Objective, dtype: Any, train: Examples, test: Examples,
                 validation: Examples | None = None) -> None:  # fmt: skip
        self.kind = objective.kind
        given = {"train": train, "validation": validation, "test": test}
        self.parts = {
            name: Part(np.asarray(examples[0], dtype), objective.targets(examples[1], dtype), examples[1])
            for name, examples in given.items()
            if examples is not None and (len(examples[0]) or name != "validation")
        }
        self.train, self.test = self.parts["train"], self.parts["test"]
        self.evaluated = self.parts | {"train": Part(*(array[:MAX_EVALUATED_SAMPLES] for array in self.train))}

    @cached_property
    def _score_scales(self) -> tuple[np.ndarray, np.ndarray]:
        """An accuracy is 0 + a count / N, and R2 is 1 - a sum of squares / the variance of the labels."""
        labels = [part.labels for part in self.evaluated.values()]
        if self.kind == "classification":
            return np.zeros(len(labels)), np.array([len(y) for y in labels])
        return np.ones(len(labels)), np.array([-1 / (1 - metrics.explained_variance(1.0, y)) for y in labels])

    def scores_from_sums(self, found: np.ndarray) -> np.ndarray:
        """Scores (n, len(Scores._fields)) from (n, parts, 2) of the evaluated parts.

        found: the loss, and the number of correctly classified samples or the sum of the squared errors.
        """
        start, divisor = self._score_scales
        rows = np.full((len(found), len(Scores._fields)), np.nan)
        for number, name in enumerate(self.evaluated):
            rows[:, Scores._fields.index(f"{name}_loss")] = found[:, number, 0]
            rows[:, Scores._fields.index(f"{name}_score")] = start[number] + found[:, number, 1] / divisor[number]
        return rows

    @property
    def selecting_part(self) -> str:
        """The part by which weights are chosen and training is ended: never the test part, which only reports."""
        return "validation" if "validation" in self.parts else "train"


def scores_of(
    objective: Objective, data: Data, outputs: dict[str, tuple[np.ndarray, float]]
) -> tuple[Scores, dict[str, np.ndarray]]:
    """Scores, and the predictions (N,) for each evaluated part, from its logits (N, O) and mean loss."""
    measure = metrics.accuracy if objective.kind == "classification" else metrics.r2
    predicted = {name: objective.predict(z) for name, (z, _) in outputs.items()}
    losses = {f"{name}_loss": loss for name, (_, loss) in outputs.items()}
    scores = {f"{name}_score": measure(y, data.evaluated[name].labels) for name, y in predicted.items()}
    return Scores(**losses, **scores), predicted
