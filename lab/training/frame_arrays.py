"""The arrays of a frame: those that change during training, and those that are constant until the next build."""

from __future__ import annotations

import numpy as np

from data.dataset import Dataset
from engine.training.trainer import Trainer
from lab.training import probes
from lab.training.diagram import PlaneDiagram

Arrays = dict[str, np.ndarray]


def changing(trainer: Trainer, dataset: Dataset, diagram: PlaneDiagram | None, focus: int | None) -> Arrays:
    """Maps, weights, confusion matrix, and predictions for the first test pictures."""
    arrays = diagram.changing_arrays(focus) if diagram else {}
    if dataset.kind == "classification":
        arrays["confusion"] = probes.confusion(trainer)
    if dataset.images_test is not None:
        arrays["strip_prediction"], arrays["strip_confidence"] = probes.strip(trainer)
    return arrays


def constant(dataset: Dataset, diagram: PlaneDiagram | None) -> Arrays:
    """The examples, and small maps of the inputs."""
    if dataset.points_train is not None:
        unit = dataset.to_units if dataset.kind == "regression" else np.asarray
        arrays = diagram.constant_arrays() if diagram else {}
        for name in dataset.parts:
            arrays[f"points_{name}"] = dataset.part("points", name)
            arrays[f"labels_{name}"] = unit(dataset.part("y", name)).astype(np.float32)
        return arrays
    if dataset.images_test is not None:
        labels = dataset.y_test[: probes.STRIP_PICTURES].astype(np.int32)
        return {"images": dataset.images_test[: probes.STRIP_PICTURES], "image_labels": labels}
    return {}
