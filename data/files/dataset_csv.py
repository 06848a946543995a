"""A data set as it is used, as a CSV file that other programs open without taking a name for a formula."""

from __future__ import annotations

import csv
import io

import numpy as np

from data.dataset import Dataset
from data.files.user_data import unique

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def harmless(name: str) -> str:
    """A name that no spreadsheet computes."""
    return f"'{name}" if name.startswith(FORMULA_STARTS) else name


def as_csv(dataset: Dataset, target: str = "target") -> str:
    """Every example in its own units: part (train or test), the target, then the inputs as the network gets them,
    gaps filled and categories coded."""
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n")
    columns = unique(["part", target, *dataset.feature_names])
    write.writerow([harmless(name) for name in columns])
    classes = [harmless(name) for name in dataset.class_names]
    for part, inputs, y in (
        ("train", dataset.x_train, dataset.y_train),
        ("test", dataset.x_test, dataset.y_test),
    ):
        for start in range(0, len(y), 1000):
            piece = slice(start, start + 1000)
            values = inputs[piece] * dataset.x_scale + dataset.x_mean
            if dataset.image_shape:
                values = np.rint(values)
            if classes:
                said = [classes[number] for number in y[piece].tolist()]
            else:
                said = [f"{value:.6g}" for value in dataset.to_units(y[piece]).tolist()]
            for word, row in zip(said, values.tolist(), strict=True):
                write.writerow([part, word, *(f"{value:.6g}" for value in row)])
    return text.getvalue()
