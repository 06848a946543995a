"""The data that a network is trained and evaluated on, and the scores of an evaluation."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from engine.formulas import metrics
from engine.formulas.losses import Objective
from engine.formulas.metrics import Scores

MAX_EVALUATED_SAMPLES = 2000  # of the training part; the split has shuffled it, so the first are a fair sample


class Part(NamedTuple):
    """Inputs x (N, D), targets t (N, O) as `Objective.targets` makes them, labels (N,): class numbers or values."""

    x: np.ndarray
    t: np.ndarray
    labels: np.ndarray


class Data:
    """The training part and the test part in the precision of the network.

    evaluated: the samples for the scores, which are the first MAX_EVALUATED_SAMPLES of the training part and the whole
    test part.
    """

    def __init__(self, objective: Objective, dtype: Any, train: tuple[np.ndarray, np.ndarray],
                 test: tuple[np.ndarray, np.ndarray]) -> None:  # fmt: skip
        self.train, self.test = (Part(np.asarray(x, dtype), objective.targets(y, dtype), y) for x, y in (train, test))
        self.evaluated = Part(*(array[:MAX_EVALUATED_SAMPLES] for array in self.train)), self.test


def scores_of(
    objective: Objective, data: Data, outputs: list[tuple[np.ndarray, float]]
) -> tuple[Scores, list[np.ndarray]]:
    """Scores, and the predictions (N,) for each evaluated part, from its logits (N, O) and mean loss."""
    measure = metrics.accuracy if objective.kind == "classification" else metrics.r2
    predicted = [objective.predict(z) for z, _ in outputs]
    train, test = (measure(y, part.labels) for y, part in zip(predicted, data.evaluated, strict=True))
    return Scores(outputs[0][1], outputs[1][1], train, test), predicted
