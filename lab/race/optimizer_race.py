"""A race: optimizers of the engine from the same start, on any function of two variables."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from engine import OPTIMIZERS

Slopes = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # points (K, 2) -> heights (K,) and gradients (K, 2)

DIVERGED_DISTANCE = 1e6  # from the origin, beyond which an optimizer counts as diverged
RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


class Race(NamedTuple):
    """K optimizers over N steps: points (K, N + 1, 2) and heights (K, N + 1), NaN after one has diverged."""

    names: tuple[str, ...]
    rates: tuple[float, ...]  # of each optimizer
    points: np.ndarray
    heights: np.ndarray

    @property
    def steps(self) -> int:
        return self.heights.shape[1] - 1


def race(
    slopes: Slopes,
    names: Sequence[str],
    start: tuple[float, float],
    rates: Sequence[float],
    steps: int,
    *,
    seconds: float = np.inf,
) -> Race:
    """Run the optimizers `names`, each with its own learning rate, from `start`.

    Each has two parameters. After `seconds` the race ends with fewer steps.
    """
    optimizers = [OPTIMIZERS[name](rate, 2, np.float64) for name, rate in zip(names, rates, strict=True)]
    here = np.tile(np.asarray(start, float), (len(optimizers), 1))
    points, heights, ends = [], [], time.monotonic() + seconds
    with np.errstate(all="ignore"):
        for _ in range(steps + 1):
            height, gradient = slopes(here)
            points.append(here.copy())
            heights.append(np.array(height, float))
            if time.monotonic() > ends:
                break
            for optimizer, point, slope in zip(optimizers, here, gradient, strict=True):
                optimizer.step(point, slope)
            here[~(np.abs(here) < DIVERGED_DISTANCE).all(axis=1)] = np.nan
    return Race(tuple(names), tuple(rates), np.stack(points, axis=1), np.stack(heights, axis=1))


def best_rates(slopes: Slopes, names: Sequence[str], start: tuple[float, float], steps: int) -> tuple[float, ...]:
    """For each of `names`, the rate of RATES with the lowest height after the last step."""
    entries = [(name, rate) for name in names for rate in RATES]
    last = race(slopes, [n for n, _ in entries], start, [rate for _, rate in entries], steps).heights[:, -1]
    lowest = np.where(np.isfinite(last), last, np.inf).reshape(len(names), len(RATES)).argmin(axis=1)
    return tuple(RATES[number] for number in lowest)
