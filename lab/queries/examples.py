"""The examples that a run is trained on, to be downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from lab.training.run import Run


def points(
    run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Points of the plane with noise, outliers and wrong labels applied, the training part first.

    points: (N, 2) raw coordinates; labels: (N,) class numbers from 1 as they were drawn, or targets in their own units;
    trained: (N,) 1 for the training part. Raises ValueError for other data.
    """
    d = run.dataset
    if d.points_train is None or d.points_test is None:
        raise ValueError("points: this data set has none; allowed: the data sets of the plane.")
    labels = np.concatenate([d.y_train, d.y_test])
    if d.kind == "regression":
        labels = d.to_units(labels)
    else:
        labels = np.asarray(run.frames.class_numbers or range(d.classes))[labels] + 1
    trained = np.arange(len(labels)) < len(d.y_train)
    return {}, {
        "points": np.concatenate([d.points_train, d.points_test]),
        "labels": labels.astype(np.float32),
        "trained": trained.view(np.uint8),
    }
