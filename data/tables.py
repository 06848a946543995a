"""Real measurements in tables: flowers, wines, tumours, and the course of an illness.
They come with scikit-learn, which is imported only when one of them is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from importlib import import_module

import numpy as np

from data.dataset import Raw, Source


@cache
def _read(loader: str, classification: bool, **options: bool) -> Raw:
    """One bundled table, read once in a process and shared read-only."""
    bunch = getattr(import_module("sklearn.datasets"), loader)(**options)
    x, y = np.asarray(bunch.data, dtype=np.float64), np.asarray(bunch.target)
    group = y if classification else np.zeros(len(y), dtype=np.int64)
    for array in (x, y, group):
        array.setflags(write=False)
    return Raw(x, y, group, tuple(map(str, bunch.feature_names)))


def _reader(loader: str, classification: bool = True, **options: bool) -> Callable[[], Raw]:
    return partial(_read, loader, classification, **options)


TABLES = (
    Source(
        "iris",
        "Iris flowers",
        "classification",
        "Three kinds of iris by the length and width of their petals and sepals; see which two kinds overlap.",
        samples=150,
        inputs=4,
        make=_reader("load_iris"),
        class_names=("setosa", "versicolor", "virginica"),
    ),
    Source(
        "wine",
        "Wines",
        "classification",
        "Wines of three growers by chemical analysis; few examples and many inputs, so watch the test loss.",
        samples=178,
        inputs=13,
        make=_reader("load_wine"),
        class_names=("grower 1", "grower 2", "grower 3"),
    ),
    Source(
        "breast_cancer",
        "Breast tumours",
        "classification",
        "Tumours, malignant or benign, by measurements of cell nuclei; see how far no hidden layer gets.",
        samples=569,
        inputs=30,
        make=_reader("load_breast_cancer"),
        class_names=("malignant", "benign"),
    ),
    Source(
        "diabetes",
        "Diabetes",
        "regression",
        "How diabetes advanced in a year, from ten measurements; large networks learn it by heart, so regularise.",
        samples=442,
        inputs=10,
        make=_reader("load_diabetes", classification=False, scaled=False),
    ),
)
