"""How the pixels of a picture become inputs: a table of records. Other data is always standardized."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

STANDARD, UNIT, PER_IMAGE = "standard", "unit", "per_image"
WHITE = 255.0


class Scaling(NamedTuple):
    name: str
    label: str
    formula: str  # LaTeX
    sentence: str


SCALINGS = {
    s.name: s
    for s in (
        Scaling(STANDARD, "Standardized", r"(x - \mu) / \sigma",
                "Mean 0 and standard deviation 1 over all pixels of the training part."),
        Scaling(UNIT, "0 to 1", "x / 255", "Black is 0 and white is 1, as in most tutorials."),
        Scaling(PER_IMAGE, "0 to 1, each picture by itself", r"(x - \min x) / (\max x - \min x)",
                "The darkest pixel of each picture is 0 and its lightest 1: faint strokes count as much as bold ones."),
    )
}  # fmt: skip


def stretched(pixels: np.ndarray) -> np.ndarray:
    """Pictures (M, D), each stretched so that its darkest pixel is 0 and its lightest 255, in float64.

    A picture of one gray value becomes all 0."""
    pixels = np.asarray(pixels, dtype=np.float64)
    low = pixels.min(axis=1, keepdims=True)
    span = pixels.max(axis=1, keepdims=True) - low
    return np.divide(WHITE * (pixels - low), span, out=np.zeros_like(pixels), where=span > 0)
