"""How good predictions are: arrays in, numbers out."""

from __future__ import annotations

import numpy as np


def accuracy(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Share of equal entries of two (N,) arrays of class numbers."""
    return float(np.mean(predicted == labels))


def confusion_matrix(predicted: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """(classes, classes) counts: rows are the truth, columns the prediction."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def r2(predicted: np.ndarray, targets: np.ndarray) -> float:
    """Share of the targets' variance that the prediction explains: 1 is perfect, 0 is no better than their mean."""
    spread = float(np.sum((targets - targets.mean()) ** 2))
    return 1 - float(np.sum((predicted - targets) ** 2)) / spread if spread > 0 else float("nan")
