"""What a network looks like from outside: arrays on the host, ready to be drawn. Looking never disturbs training."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from data import Dataset
from engine import metrics
from engine.tape import Tape
from engine.trainer import Trainer

STRIP = 40  # test pictures on the screen


@lru_cache(maxsize=8)
def plane_points(extent: tuple[float, float], size: int) -> np.ndarray:
    """(size * size, 2) points of the plane, row by row from the top (largest x2), each row from left to right."""
    low, high = extent
    half = (high - low) / size / 2
    axis = np.linspace(low + half, high - half, size, dtype=np.float32)
    points = np.stack(np.meshgrid(axis, axis[::-1]), axis=-1).reshape(-1, 2)
    points.setflags(write=False)
    return points


class PlaneMap:
    """The network's answer over the plane, one byte a point.

    encoding "value": 0 to 255 is -1 to +1 (for two classes, how surely it is the second one; for regression, the value
    in the data's units);
    encoding "class": class << 5 | confidence 0 to 31, where 0 is chance level.
    """

    def __init__(self, dataset: Dataset, trainer: Trainer, size: int = 100) -> None:
        self.size, self.dataset, self.trainer = size, dataset, trainer
        self.encoding = "class" if dataset.classes > 2 else "value"
        assert dataset.encode is not None  # only data of the plane has a map
        assert dataset.extent is not None
        points = dataset.encode(plane_points(dataset.extent, size)).astype(trainer.network.dtype, copy=False)
        self.tape = Tape()  # the same points for every frame, so the way through the network is recorded once
        self.z = trainer.network.forward(self.tape.wrap(points)).array

    def __call__(self) -> np.ndarray:
        """(size, size) uint8"""
        self.tape.play()
        z, trainer = self.z, self.trainer
        if self.encoding == "class":
            p = trainer.objective.probabilities(z)
            chance = 1 / p.shape[1]
            confidence = (p.max(axis=1) - chance) / (1 - chance)
            bytes_ = (p.argmax(axis=1) << 5) | np.clip(confidence * 31.99, 0, 31).astype(np.int64)
        else:
            if self.dataset.kind == "regression":
                value = self.dataset.to_units(trainer.objective.output.forward(z)[:, 0])
            elif trainer.objective.units == 2:
                value = np.tanh((z[:, 1] - z[:, 0]) / 2)  # p - (1 - p) of the softmax of two
            else:
                value = np.tanh(z[:, 0] / 2)  # p - (1 - p) of the sigmoid
            bytes_ = np.clip(np.nan_to_num(value) * 127 + 128, 0, 255)
        return bytes_.astype(np.uint8).reshape(self.size, self.size)


def confusion(trainer: Trainer) -> np.ndarray:
    """(C, C) counts on the test part at its latest evaluation: rows are the truth, columns the prediction."""
    return metrics.confusion_matrix(trainer.predicted, trainer.y_test, trainer.objective.classes).astype(np.int32)


def strip(trainer: Trainer) -> tuple[np.ndarray, np.ndarray]:
    """Predicted class (K,) and the belief in it (K,) for the first test pictures."""
    p = trainer.objective.probabilities(trainer.network.forward(trainer.x_test[:STRIP]))
    return p.argmax(axis=1).astype(np.int32), p.max(axis=1).astype(np.float32)
