"""What many runs have in common. A diverged run counts as worse than any other; none is left out."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

CONFIDENCE_Z = 1.959964  # of the normal distribution, for intervals of 95 %
SIGNIFICANT = 0.05


def reached(scores: np.ndarray, target: float) -> np.ndarray:
    """The first epoch at which each run (runs, epochs + 1) has this score; -1 if it never has."""
    are = scores >= target
    return np.where(are.any(axis=1), are.argmax(axis=1), -1)


def interval(count: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    share, z2 = count / total, CONFIDENCE_Z**2
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = CONFIDENCE_Z / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    return max(0.0, middle - half), min(1.0, middle + half)


class Verdict(NamedTuple):
    """How many pairs are better, worse and equal, and how often chance alone would be as one-sided (sign test)."""

    better: int
    worse: int
    equal: int
    chance: float

    @property
    def is_clear(self) -> bool:
        return self.chance < SIGNIFICANT


def compare_pairs(before: np.ndarray, after: np.ndarray) -> Verdict:
    """Losses (runs,) of pairs that differ in one setting; lower is better. Two diverged runs are equal."""
    better, worse = int((after < before).sum()), int((after > before).sum())
    total, most = better + worse, max(better, worse)
    tail = sum(math.comb(total, k) for k in range(most, total + 1)) / 2**total
    return Verdict(better, worse, len(before) - total, min(1.0, 2 * tail))
