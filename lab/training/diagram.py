"""The data of the network diagram: the large map, weights, small maps, scores and wrong predictions.

Only data of the plane has a diagram.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from data import FEATURES, Dataset
from data.sources.features import FORMULA, plane_features
from engine.formulas import metrics
from engine.network.layers import Dense
from engine.training.trainer import Trainer
from lab.experiment.architecture import architecture_of
from lab.experiment.experiment import Experiment
from lab.training.probes import MAX_DRAWN_UNITS, THUMBNAIL_SIDE, PlaneMap, as_bytes, errors, plane_points, scaled

MAX_SENT_WEIGHTS = 20_000  # larger networks are drawn without weights
FINE_SIDE, COARSE_SIDE = 100, 50  # points along a side of the large map


class PlaneDiagram:
    """The map of the plane and the network diagram of one build."""

    def __init__(self, experiment: Experiment, dataset: Dataset, trainer: Trainer) -> None:
        self.experiment, self.dataset, self.trainer = experiment, dataset, trainer
        self.architecture = architecture_of(experiment)
        self.map = PlaneMap(dataset, trainer, FINE_SIDE, self.architecture.dense[:-1], is_live=True)
        self.dense = dense_layers(trainer)
        sizes = self.architecture.sizes
        self.sends_weights = sum(layer.W.size for layer in self.dense) <= MAX_SENT_WEIGHTS
        self.inputs = {name: feature.label for name, feature in FEATURES.items()}
        if experiment.formula:
            self.inputs[FORMULA] = experiment.formula
        self.network = {
            **self.architecture.outline,
            "output": experiment.output_name,
            "features": list(experiment.features),
            "shown": [sizes[0], *(min(units, MAX_DRAWN_UNITS) for units in sizes[1:])],
            "all_features": [list(pair) for pair in self.inputs.items()],
        }

    def set_side(self, side: int) -> None:
        """Set the number of points along a side of the large map."""
        if side != self.map.size:
            self.map = PlaneMap(self.dataset, self.trainer, side, self.architecture.dense[:-1], is_live=True)

    def focused(self, unit: Any) -> int | None:
        """The requested unit, or None if there is no such unit."""
        known = type(unit) is int and -len(self.experiment.features) <= unit < len(self.map.bounded)
        return unit if known else None

    def header(self, unit: int | None) -> dict[str, Any]:
        """Fields of the header of a frame. unit: the one whose map is sent; None for the output."""
        encoding = self.map.encoding if unit is None else "value"
        return {"plane": {"extent": self.dataset.extent, "encoding": encoding}, "network": self.network, "focus": unit}

    def changing_arrays(self, unit: int | None) -> dict[str, np.ndarray]:
        """The arrays that change during training."""
        arrays = {"map": self.map(), "neuron_maps": self.map.neurons()}
        if unit is not None:
            arrays["map"] = self._input(unit) if unit < 0 else self.map.focus(unit)
        if self.sends_weights:
            arrays["weights"] = np.concatenate([layer.W.ravel() for layer in self.dense], dtype=np.float32)
            arrays["biases"] = np.concatenate([layer.b for layer in self.dense], dtype=np.float32)
        return arrays | wrong_points(self.trainer)

    def constant_arrays(self) -> dict[str, np.ndarray]:
        """The arrays that do not change until the next build: a small map of every available input."""
        return {"feature_maps": self._features(tuple(self.inputs), THUMBNAIL_SIDE)}

    def _input(self, unit: int) -> np.ndarray:
        return self._features((self.experiment.features[-1 - unit],), self.map.size)[0]

    def _features(self, names: tuple[str, ...], size: int) -> np.ndarray:
        """(F, size, size) uint8"""
        extent = self.dataset.extent
        assert extent is not None
        values = plane_features(plane_points(extent, size), names, self.experiment.formula)
        return as_bytes(scaled(values.T.reshape(-1, size, size)))


def dense_layers(trainer: Trainer) -> list[Dense]:
    """The layers with a weight matrix, first to last."""
    return [layer for _, layer in trainer.network.walk() if isinstance(layer, Dense)]


def wrong_points(trainer: Trainer) -> dict[str, np.ndarray]:
    """The predicted class of each point at the latest evaluation, and 1 where it is wrong; empty for regression.

    Only evaluated points of the training part are included; see engine.step.data.
    """
    if trainer.objective.kind != "classification":
        return {}
    arrays = {}
    for name, part in trainer.data.evaluated.items():
        predicted = trainer.predicted[name]
        arrays[f"{name}_prediction"] = predicted.astype(np.int32)
        arrays["wrong" if name == "test" else f"wrong_{name}"] = (predicted != part.labels).view(np.uint8)
    return arrays


def scores(trainer: Trainer, dataset: Dataset, confusion: np.ndarray | None) -> dict[str, Any]:
    """Scores of the test part: precision, recall and F1 of every class, or errors in the unit of the target."""
    if confusion is not None:
        per_class = metrics.class_scores(confusion)
        lists = {name: getattr(per_class, name).tolist() for name in ("precision", "recall", "f1")}
        return {**lists, "macro_f1": per_class.macro[2]}
    return errors(trainer, dataset)
