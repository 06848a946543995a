"""A race: every optimiser of the engine from the same point, step by step, on anything that has heights and slopes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from engine import OPTIMIZERS

Slopes = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # points (K, 2) -> heights (K,) and gradients (K, 2)

FAR = 1e6  # further away than this nobody comes back
RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


class Race(NamedTuple):
    """K racers over N steps: points (K, N + 1, 2) and heights (K, N + 1), NaN after a racer has run off."""

    names: tuple[str, ...]
    rates: tuple[float, ...]  # of each racer
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
    """Each of `names` with its own rate from `start`. Ends early, with fewer steps, after so many seconds.

    The racers are the engine's optimisers, each with two parameters; all take a step before any takes the next.
    """
    racers = [OPTIMIZERS[name](rate, 2, np.float64) for name, rate in zip(names, rates, strict=True)]
    here = np.tile(np.asarray(start, float), (len(racers), 1))
    points, heights, ends = [], [], time.monotonic() + seconds
    with np.errstate(all="ignore"):
        for _ in range(steps + 1):
            height, gradient = slopes(here)
            points.append(here.copy())
            heights.append(np.array(height, float))
            if time.monotonic() > ends:
                break
            for racer, point, slope in zip(racers, here, gradient, strict=True):
                racer.step(point, slope)
            here[~(np.abs(here) < FAR).all(axis=1)] = np.nan
    return Race(tuple(names), tuple(rates), np.stack(points, axis=1), np.stack(heights, axis=1))


def best_rates(slopes: Slopes, names: Sequence[str], start: tuple[float, float], steps: int) -> tuple[float, ...]:
    """For each of `names` the rate of RATES with which it is lowest after the last step."""
    entries = [(name, rate) for name in names for rate in RATES]
    last = race(slopes, [n for n, _ in entries], start, [rate for _, rate in entries], steps).heights[:, -1]
    lowest = np.where(np.isfinite(last), last, np.inf).reshape(len(names), len(RATES)).argmin(axis=1)
    return tuple(RATES[number] for number in lowest)
