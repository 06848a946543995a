"""Order statistics of runs, of which diverged ones are infinitely bad."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np


class Spread(NamedTuple):
    """Smallest value, quartiles and largest value over the runs, each (...,)."""

    low: np.ndarray
    q1: np.ndarray
    median: np.ndarray
    q3: np.ndarray
    high: np.ndarray


def spread(values: np.ndarray, worse: int = 1) -> Spread:
    """Of values (runs, ...), which may be infinite, linearly interpolated as in NumPy.

    worse: -1 where smaller values are worse, as those of a diverged run are.
    """
    if worse < 0:
        return Spread(*(-found for found in spread(-values)[::-1]))
    ordered = np.sort(values, axis=0)
    last, found = len(ordered) - 1, []
    for share in (0, 0.25, 0.5, 0.75, 1):
        place = share * last
        below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
        part = place - math.floor(place)
        with np.errstate(invalid="ignore"):
            between = below + part * (above - below) if part else below
        found.append(np.where(np.isnan(between), above, between))
    return Spread(*found)


def best_place(values: np.ndarray, worse: int = 1, own: int | None = None) -> int:
    """The place of the best of the values (places,), NaN where one is not known yet; in a tie `own` wins.

    worse: as in `spread`.
    """
    best = int(np.nanargmin(worse * values))
    return own if own is not None and own < len(values) and values[own] == values[best] else best
