"""Metrics: how good predictions are.

N is the number of samples; classes are numbered from 0. A figure that would be 0/0 is NaN, except for precision,
recall and F1, which are then 0 as in scikit-learn. JSON has null for NaN, and the page shows a dash or a word.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

ROUNDING_STEPS = 4  # targets this many floating-point numbers apart count as equal


class Scores(NamedTuple):
    """Loss and score of every part. `score` is accuracy, or R2 for regression.

    NaN without a validation part; R2 is NaN for constant targets.
    """

    train_loss: float
    test_loss: float
    train_score: float
    test_score: float
    validation_loss: float = float("nan")
    validation_score: float = float("nan")

    def of(self, part: str) -> tuple[float, float]:
        """Loss and score of a part: "train", "validation" or "test"."""
        return getattr(self, f"{part}_loss"), getattr(self, f"{part}_score")


def accuracy(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Share of equal entries of two (N,) arrays of class numbers; NaN without samples."""
    return np.count_nonzero(predicted == labels) / len(labels) if len(labels) else float("nan")


def top_k(scores: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Share of samples whose true class (N,) is among the k highest scores (N, classes); of equal scores the first.

    NaN without samples.
    """
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float(np.mean((best == labels[:, None]).any(axis=1))) if len(labels) else float("nan")


def confusion_matrix(predicted: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """(classes, classes) counts: rows are the truth, columns the prediction."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)


class ClassScores(NamedTuple):
    """Arrays (classes,), one value for each class."""

    precision: np.ndarray  # of those predicted to be in the class, the share that is; 0 if none was
    recall: np.ndarray  # of those in the class, the share that was found; 0 if there is none
    f1: np.ndarray  # harmonic mean of both; 0 if both are 0
    support: np.ndarray  # how many are in the class

    @property
    def macro(self) -> tuple[float, float, float]:
        """(precision, recall, F1), plain means over the classes: a small class counts as much as a large one."""
        return float(self.precision.mean()), float(self.recall.mean()), float(self.f1.mean())


def class_scores(matrix: np.ndarray) -> ClassScores:
    """Precision, recall and F1 of every class from a confusion matrix (classes, classes)."""
    hits, predicted, support = matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1)
    return ClassScores(_share(hits, predicted), _share(hits, support), _share(2 * hits, predicted + support), support)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)


class RocCurve(NamedTuple):
    """The rates while the threshold falls: from (0, 0), where no sample is predicted as positive, to (1, 1)."""

    false_positive_rate: np.ndarray
    true_positive_rate: np.ndarray
    thresholds: np.ndarray  # samples with at least this score are predicted as positive; the first one is infinite

    @property
    def auc(self) -> float:
        """Area under the curve: the chance that a positive scores above a negative, a tie counting half."""
        width, y = np.diff(self.false_positive_rate), self.true_positive_rate
        return float(np.sum(width * (y[1:] + y[:-1]) / 2))


def roc_curve(scores: np.ndarray, labels: np.ndarray) -> RocCurve:
    """ROC curve of two classes: scores (N,), higher means class 1; labels (N,) of 0 and 1.

    Without positives, or without negatives, that rate and the area are NaN.
    """
    order = np.argsort(-scores, kind="stable")
    scores, positive = scores[order], labels[order] == 1
    last = np.flatnonzero(np.append(np.diff(scores) != 0, True))  # equal scores cross the threshold together
    true, false = np.cumsum(positive)[last], np.cumsum(~positive)[last]
    return RocCurve(_rate(false), _rate(true), np.append(np.inf, scores[last]))


def _rate(counts: np.ndarray) -> np.ndarray:
    return np.append(0, counts / counts[-1] if counts[-1] else np.full(len(counts), np.nan))


def r2(predicted: np.ndarray, targets: np.ndarray) -> float:
    """Share of the targets' variance that the prediction explains: 1 is perfect, 0 no better than the mean.

    NaN where there is no variance to explain: for no targets, and for targets that are equal but for rounding.
    """
    return explained_variance(float(_squared_errors(predicted, targets).sum()), targets)


def explained_variance(squared_error: float, targets: np.ndarray) -> float:
    """R2 from the sum of the squared errors; see `r2`."""
    if not len(targets) or _are_equal(targets):
        return float("nan")
    return 1 - squared_error / float(np.sum(np.square(targets - targets.mean(dtype=np.float64), dtype=np.float64)))


def _are_equal(values: np.ndarray) -> bool:
    low, high = values.min(), values.max()
    return high - low <= ROUNDING_STEPS * np.spacing(max(abs(low), abs(high)))


@np.errstate(over="ignore")  # a network about to diverge predicts huge values
def mae(predicted: np.ndarray, targets: np.ndarray) -> float:
    """Mean absolute error, in the unit of the targets; NaN without samples."""
    return float(np.mean(np.abs(predicted - targets), dtype=np.float64)) if len(targets) else float("nan")


def rmse(predicted: np.ndarray, targets: np.ndarray) -> float:
    """Root of the mean squared error, in the unit of the targets; NaN without samples."""
    return float(np.sqrt(_squared_errors(predicted, targets).mean())) if len(targets) else float("nan")


@np.errstate(over="ignore")
def _squared_errors(predicted: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """In float64, because the square of a large float32 error overflows; infinite if even that overflows."""
    return np.square(predicted - targets, dtype=np.float64)
