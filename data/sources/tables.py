"""Tables of real measurements, bundled with scikit-learn: flowers, wines, tumors and diabetes patients."""

from __future__ import annotations

from functools import cache, partial

import numpy as np

from data.dataset import Raw, Source
from data.sources import bundled

NUCLEUS = (
    *("radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points"),
    *("symmetry", "fractal dimension"),
)
MEASUREMENTS = {
    "iris.csv": ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"),
    "wine_data.csv": (
        *("alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids"),
        *("nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280/od315_of_diluted_wines"),
        "proline",
    ),
    "breast_cancer.csv": tuple(
        f"{part} error" if statistic == "error" else f"{statistic} {part}"
        for statistic in ("mean", "error", "worst")
        for part in NUCLEUS
    ),
    "diabetes_data_raw.csv.gz": ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"),
}


@cache
def _classes(name: str) -> Raw:
    """A table whose last column holds the class, read once per process and shared read-only."""
    table = bundled.read(name, heading=1)
    y = table[:, -1].astype(np.int64)
    return _shared(table[:, :-1], y, y, MEASUREMENTS[name])


@cache
def _diabetes() -> Raw:
    name = "diabetes_data_raw.csv.gz"
    x, y = bundled.read(name, delimiter=None), bundled.read("diabetes_target.csv.gz")
    return _shared(x, y, np.zeros(len(y), dtype=np.int64), MEASUREMENTS[name])


def _shared(x: np.ndarray, y: np.ndarray, group: np.ndarray, names: tuple[str, ...]) -> Raw:
    x = np.ascontiguousarray(x)
    for array in (x, y, group):
        array.setflags(write=False)
    return Raw(x, y, group, names)


TABLES = (
    Source(
        "iris",
        "Iris flowers",
        "classification",
        "Three species of iris by the length and width of petals and sepals; see which two overlap.",
        samples=150,
        inputs=4,
        make=partial(_classes, "iris.csv"),
        class_names=("setosa", "versicolor", "virginica"),
    ),
    Source(
        "wine",
        "Wines",
        "classification",
        "Wines of three growers by chemical analysis; few examples with many inputs, so watch the test loss.",
        samples=178,
        inputs=13,
        make=partial(_classes, "wine_data.csv"),
        class_names=("grower 1", "grower 2", "grower 3"),
    ),
    Source(
        "breast_cancer",
        "Breast tumors",
        "classification",
        "Malignant or benign tumors by measurements of cell nuclei; see how well a network without hidden layers does.",
        samples=569,
        inputs=30,
        make=partial(_classes, "breast_cancer.csv"),
        class_names=("malignant", "benign"),
    ),
    Source(
        "diabetes",
        "Diabetes",
        "regression",
        "Progression of diabetes within a year from ten measurements; large networks overfit, so regularize.",
        samples=442,
        inputs=10,
        make=_diabetes,
    ),
)
