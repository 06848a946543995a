"""What the maps of many runs say together, and where they disagree."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lab.protocol.messages import BYTE_SCALE, CLASS_SHIFT, ZERO_BYTE

MOST = 0.9  # share of the runs that must say the same, to be called agreement


class Agreement(NamedTuple):
    """together: bytes (H, W) as of one map; disagreement (H, W): 0 where all runs say the same, 1 at most.

    agreed: share of the map where at least MOST of the runs say the same class, or side of zero.
    """

    together: np.ndarray
    disagreement: np.ndarray
    agreed: float


def agreement(maps: np.ndarray, encoding: str) -> Agreement:
    """maps: bytes (runs, H, W). Values are averaged and disagree by their standard deviation; classes are voted on."""
    if encoding != "class":
        values = (maps.astype(np.float64) - ZERO_BYTE) / BYTE_SCALE
        mean = values.mean(axis=0)
        positive = (values > 0).mean(axis=0)
        together = np.rint(mean * BYTE_SCALE + ZERO_BYTE).astype(np.uint8)
        return Agreement(together, values.std(axis=0), _agreed(np.maximum(positive, 1 - positive)))
    classes = maps >> CLASS_SHIFT
    votes = np.stack([(classes == each).mean(axis=0) for each in range(int(classes.max()) + 1)])
    most = votes.max(axis=0)
    sure = (1 << CLASS_SHIFT) - 1  # a byte holds the share of the votes where a network's holds its confidence
    together = (votes.argmax(axis=0) << CLASS_SHIFT | np.rint(most * sure).astype(np.int64)).astype(np.uint8)
    return Agreement(together, (1 - most) * len(votes) / max(1, len(votes) - 1), _agreed(most))


def _agreed(shares: np.ndarray) -> float:
    return float((shares >= MOST).mean())
