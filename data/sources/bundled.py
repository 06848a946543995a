"""Tables bundled with scikit-learn, read as text: importing it would cost every worker a second and 95 MB."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np


def read(name: str, *, heading: int = 0, delimiter: str | None = ",") -> np.ndarray:
    """(rows, columns), float64. name: a file of sklearn/datasets/data; heading: lines above the numbers."""
    package = find_spec("sklearn")  # locates without importing
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("scikit-learn is not installed: pip install -r requirements.txt")
    folder = Path(package.submodule_search_locations[0], "datasets", "data")
    return np.loadtxt(folder / name, delimiter=delimiter, skiprows=heading)
