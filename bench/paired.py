"""The method: implementations take turns in short runs, in random order, and are compared only within one round.

A busy machine slows all of a round alike, and processor time counts only what a process itself has used. So the median
of the rounds' ratios holds where times alone would not.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping
from typing import NamedTuple

SECONDS = 0.1  # that one run of a round should take
CALIBRATIONS = 3  # runs that look for the number of steps this takes


class Timing(NamedTuple):
    """What one run took."""

    steps: int
    wall: float  # seconds
    cpu: float  # seconds of processor time, of all threads


class Comparison(NamedTuple):
    """One implementation against the base: a ratio above 1 says that it costs more."""

    name: str
    ratio: float  # median over the rounds of processor time a step / the base's in the same round
    q1: float
    q3: float
    wall_ratio: float  # its shortest run, in wall time a step, / the base's shortest
    cpu_us: float  # median processor time of a step, in microseconds
    wall_us: float  # shortest wall time of a step


Run = Callable[[int], Timing]


def calibrate(run: Run, seconds: float) -> int:
    """How many steps take about so many seconds of processor time. These runs also warm up what compiles late."""
    steps = 1
    for _ in range(CALIBRATIONS):
        timing = run(steps)
        steps = max(1, round(seconds * timing.steps / max(timing.cpu, 1e-7)))
        steps = min(steps, 100 * timing.steps)  # a first run is no good measure: come nearer in stages
    return steps


def compare(
    runs: Mapping[str, Run],
    base: str,
    *,
    rounds: int = 11,
    seconds: float = SECONDS,
    rng: random.Random | None = None,
) -> list[Comparison]:
    """Every implementation against `base`, itself included, in the order given. Raises ValueError for no rounds."""
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, not {rounds}")
    rng = rng or random.Random(0)
    steps = {name: calibrate(run, seconds) for name, run in runs.items()}
    timings: dict[str, list[Timing]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name in rng.sample(list(runs), len(runs)):
            timings[name].append(runs[name](steps[name]))
    return [_comparison(name, timings[name], timings[base]) for name in runs]


def _comparison(name: str, own: list[Timing], base: list[Timing]) -> Comparison:
    ratios = [(a.cpu / a.steps) / (b.cpu / b.steps) for a, b in zip(own, base, strict=True)]
    q1, median, q3 = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    shortest, base_shortest = (min(t.wall / t.steps for t in timings) for timings in (own, base))
    cpu = statistics.median(t.cpu / t.steps for t in own)
    return Comparison(name, median, q1, q3, shortest / base_shortest, cpu * 1e6, shortest * 1e6)
