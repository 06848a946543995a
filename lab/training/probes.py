"""Maps and predictions of a network for display. Computing them does not affect training."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from data import Dataset
from engine.formulas import metrics
from engine.formulas.losses import softmax
from engine.training.layer_outputs import LayerOutputs
from engine.training.trainer import Trainer
from lab.experiment.architecture import Block
from lab.protocol.messages import BYTE_SCALE, CLASS_SHIFT, ZERO_BYTE

STRIP_PICTURES = 40  # first test pictures, which are displayed
MAX_DRAWN_UNITS = 16  # of a layer in the diagram
THUMBNAIL_SIDE = 25  # points along a side of a unit's small map
MAX_MAP_NUMBERS = 4_000_000  # that the network may store for the points of a map


def as_bytes(values: np.ndarray) -> np.ndarray:
    """-1 to 1 -> 1 to 255; 0 and NaN become 128."""
    levels = values * BYTE_SCALE + ZERO_BYTE
    np.copyto(levels, ZERO_BYTE, where=levels != levels)
    return np.clip(levels, 0, 255, out=levels).astype(np.uint8)


def scaled(maps: np.ndarray) -> np.ndarray:
    """Maps (..., H, W), each divided by its largest absolute value."""
    largest = np.abs(np.nan_to_num(maps)).max(axis=(-2, -1), keepdims=True, initial=1e-30)
    return maps / largest


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
    """The outputs of the network and of every hidden unit over the plane, one byte per point.

    encoding "value": 0 to 255 is -1 to +1 (for two classes, 2 p - 1 with the probability p of the second one; for
    regression, the value in the data's units; for a unit, see `neurons`);
    encoding "class": class << 5 | confidence 0 to 31, where 0 is chance level.
    hidden: the layers whose units have a small map. is_live: whether it is drawn again and again, and so is compiled.
    """

    def __init__(
        self, dataset: Dataset, trainer: Trainer, size: int, hidden: Sequence[Block] = (), is_live: bool = False
    ) -> None:
        self.size, self.dataset, self.trainer = size, dataset, trainer
        self.encoding = "class" if dataset.classes > 2 else "value"
        assert dataset.encode is not None  # only data of the plane has a map
        assert dataset.extent is not None
        network = trainer.network
        self.side = self._side(sum(network.widths))
        self.points = plane_points(dataset.extent, self.side)
        points = dataset.encode(self.points).astype(network.dtype, copy=False)
        names = [block.output.name for block in hidden]
        self.outputs = LayerOutputs(network, points, names, self._read, trainer.executor if is_live else None)
        self.hidden: list[np.ndarray] = []  # (side * side, drawn units) of each layer, as of the latest call
        drawn = [block for block in hidden for _ in range(min(block.units, MAX_DRAWN_UNITS))]
        self.bounded = np.array([block.is_bounded for block in drawn], bool)

    def _side(self, units: int) -> int:
        """The number of evaluated points along a side; fewer for a wide network, to bound time and memory."""
        return next(
            (self.size // k for k in (1, 2) if (self.size // k) ** 2 * units <= MAX_MAP_NUMBERS), max(1, self.size // 4)
        )

    def __call__(self) -> np.ndarray:
        """(size, size) uint8: the network's current output."""
        *hidden, y = self.outputs()
        self.hidden, trainer = [outputs[:, :MAX_DRAWN_UNITS] for outputs in hidden], self.trainer
        if self.encoding == "class":
            chance = 1 / y.shape[1]
            confidence = (y.max(axis=1) - chance) / (1 - chance)
            return self._square((y.argmax(axis=1) << CLASS_SHIFT) | np.clip(confidence * 31.99, 0, 31).astype(np.int64))
        if self.dataset.kind == "regression":
            return self._square(as_bytes(self.dataset.to_units(y[:, 0])))
        return self._square(as_bytes(y[:, 1] - y[:, 0] if trainer.objective.units == 2 else y[:, 0]))

    def _read(self, z: Any) -> Any:
        """Logits -> value for regression, p - (1 - p) of the sigmoid, or probabilities."""
        if self.dataset.kind == "regression":
            return self.trainer.objective.output.forward(z)
        return softmax(z) if self.trainer.objective.units > 1 else np.tanh(z / 2)

    def neurons(self) -> np.ndarray:
        """(H, 25, 25) uint8: outputs of the drawn hidden units, layer by layer, as of the latest call.

        0 to 255 is -1 to +1; a unit whose output has other bounds is divided by its largest absolute value.
        """
        skip = self.side // THUMBNAIL_SIDE
        small = np.empty((len(self.bounded), THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.float32)
        start = 0
        for layer in self.hidden:
            stop = start + layer.shape[1]
            small[start:stop] = layer.T.reshape(-1, self.side, self.side)[:, skip // 2 :: skip, skip // 2 :: skip]
            start = stop
        if not self.bounded.all():
            small[~self.bounded] = scaled(small[~self.bounded])
        return as_bytes(small)

    def focus(self, unit: int) -> np.ndarray:
        """(size, size) uint8: the output of one drawn hidden unit, counted layer by layer, as of the latest call."""
        values = [column for layer in self.hidden for column in layer.T][unit].reshape(self.side, self.side)
        return self._square(as_bytes(values if self.bounded[unit] else scaled(values)))

    def _square(self, values: np.ndarray) -> np.ndarray:
        square, k = values.astype(np.uint8).reshape(self.side, self.side), self.size // self.side
        return square if k == 1 else square.repeat(k, axis=0).repeat(k, axis=1)


def confusion(trainer: Trainer) -> np.ndarray:
    """(C, C) counts of the test part at its latest evaluation: true classes in rows, predicted ones in columns."""
    predicted, classes = trainer.predicted["test"], trainer.objective.classes
    return metrics.confusion_matrix(predicted, trainer.y_test, classes).astype(np.int32)


def errors(trainer: Trainer, dataset: Dataset, part: str = "test") -> dict[str, float]:
    """RMSE and MAE of a part at its latest evaluation, in the unit of the target; for regression.

    scale: that many units are 1 in a loss, because the network learns targets in standard deviations of the training
    part (squared in the mean squared error).
    """
    predicted, targets, scale = trainer.predicted[part], trainer.data.evaluated[part].labels, dataset.y_scale
    return {
        "rmse": metrics.rmse(predicted, targets) * scale,
        "mae": metrics.mae(predicted, targets) * scale,
        "scale": scale,
    }


def strip(trainer: Trainer) -> tuple[np.ndarray, np.ndarray]:
    """Predicted classes (K,) and their probabilities (K,) for the first test pictures."""
    p = trainer.objective.probabilities(trainer.network.forward(trainer.x_test[:STRIP_PICTURES]))
    return p.argmax(axis=1).astype(np.int32), p.max(axis=1).astype(np.float32)
