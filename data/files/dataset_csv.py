"""Writes a data set, as the network gets it, as a CSV file."""

from __future__ import annotations

import csv
import io

import numpy as np

from data.dataset import Dataset
from data.files.safe_cells import safe_cell
from data.names import unique

CHUNK_ROWS = 1000


def as_csv(dataset: Dataset, target: str = "target") -> str:
    """Every example in its original units: part (train, validation or test), target, and inputs with gaps filled and
    categories one-hot encoded."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([safe_cell(name) for name in unique(["part", target, *dataset.feature_names])])
    classes = [safe_cell(name) for name in dataset.class_names]
    for part in dataset.parts:
        inputs, y = dataset.part("x", part), dataset.part("y", part)
        for start in range(0, len(y), CHUNK_ROWS):
            chunk = slice(start, start + CHUNK_ROWS)
            values = inputs[chunk] * dataset.x_scale + dataset.x_mean
            if dataset.image_shape:
                values = np.rint(values)
            if classes:
                targets = [classes[number] for number in y[chunk].tolist()]
            else:
                targets = [f"{value:.6g}" for value in dataset.to_units(y[chunk]).tolist()]
            for cell, row in zip(targets, values.tolist(), strict=True):
                writer.writerow([part, cell, *(f"{value:.6g}" for value in row)])
    return text.getvalue()
