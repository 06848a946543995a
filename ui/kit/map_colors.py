"""The bytes of a map as colors."""

from __future__ import annotations

import numpy as np

from lab.protocol.messages import BYTE_SCALE, CLASS_SHIFT, ZERO_BYTE
from ui.figures.theme import BLUE, CLASS_COLORS, ORANGE, ZERO, Theme

LEVELS = (1 << CLASS_SHIFT) - 1  # of confidence


def colored(map: np.ndarray, encoding: str, theme: Theme) -> np.ndarray:
    """Bytes (H, W) as in a frame -> colors (H, W, 3), uint8."""
    pale = _rgb(ZERO[theme])
    if encoding == "class":
        of_class = np.array([_rgb(color) for color in CLASS_COLORS])[(map >> CLASS_SHIFT) % len(CLASS_COLORS)]
        share = (0.25 + 0.75 * (map & LEVELS) / LEVELS)[..., None]
        return np.rint(pale + share * (of_class - pale)).astype(np.uint8)
    return signed((map.astype(np.float64) - ZERO_BYTE) / BYTE_SCALE, theme)


def signed(values: np.ndarray, theme: Theme) -> np.ndarray:
    """Values (H, W) from -1 to 1 -> colors: orange is negative, blue is positive."""
    pale, share = _rgb(ZERO[theme]), np.clip(np.abs(values), 0, 1)[..., None]
    end = np.where(values[..., None] < 0, _rgb(ORANGE), _rgb(BLUE))
    return np.rint(pale + share * (end - pale)).astype(np.uint8)


def _rgb(color: str) -> np.ndarray:
    return np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)], np.float64)
