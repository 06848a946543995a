"""A query for the examples of a run, for download."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lab.protocol.messages import Answer
from lab.training.run import Run


def points(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """Points of the plane with noise, outliers and wrong labels applied: training, validation, test part.

    points: (N, 2) raw coordinates; labels: (N,) class numbers from 1, as drawn, or targets in their own units. The
    header has the number of points in each part. Raises ValueError for other data.
    """
    d = run.dataset
    if d.points_train is None:
        raise ValueError("points: this data set has none; allowed: the data sets of the plane.")
    labels = np.concatenate([d.part("y", name) for name in d.parts])
    if d.kind == "regression":
        labels = d.to_units(labels)
    else:
        labels = np.asarray(run.frames.class_numbers or range(d.classes))[labels] + 1
    return {"parts": {name: len(d.part("y", name)) for name in d.parts}}, {
        "points": np.concatenate([d.part("points", name) for name in d.parts]),
        "labels": labels.astype(np.float32),
    }
