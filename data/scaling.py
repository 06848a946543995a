"""How the pixels of a picture become inputs: a table of records. Other data is always standardised."""

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
        Scaling(STANDARD, "Standardised", r"(x - \mu) / \sigma",
                "Mean and deviation over all pixels of the training part: inputs lie around 0."),
        Scaling(UNIT, "0 to 1", "x / 255", "Black is 0 and white is 1, as most tutorials have it."),
        Scaling(PER_IMAGE, "0 to 1, each picture by itself", r"(x - \min x) / (\max x - \min x)",
                "The darkest pixel of every picture is 0, its lightest 1: faint strokes count as much as bold ones."),
    )
}  # fmt: skip


def stretched(pixels: np.ndarray) -> np.ndarray:
    """Pictures (M, D) of numbers, each from its own darkest and lightest pixel to 0..255 in float64; a plain one is
    left all 0."""
    pixels = np.asarray(pixels, dtype=np.float64)
    low = pixels.min(axis=1, keepdims=True)
    span = pixels.max(axis=1, keepdims=True) - low
    return np.divide(WHITE * (pixels - low), span, out=np.zeros_like(pixels), where=span > 0)
