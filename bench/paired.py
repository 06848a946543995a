"""Paired comparison: implementations run in short turns, in random order, and are compared only within a round.

A busy machine slows down a whole round equally, and CPU time counts only what a process itself uses. So the median of
the ratios over all rounds is stable where the times themselves are not.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping
from typing import NamedTuple

RUN_S = 0.1  # target duration of one run in a round
CALIBRATIONS = 3  # runs that determine the number of steps


class Timing(NamedTuple):
    """Duration of one run."""

    steps: int
    wall: float  # seconds
    cpu: float  # CPU seconds of all threads


class Comparison(NamedTuple):
    """One implementation compared with the base; a ratio above 1 means that it costs more."""

    name: str
    ratio: float  # median over the rounds of CPU time per step / the base's in the same round
    q1: float
    q3: float
    wall_ratio: float  # wall time per step of its shortest run / of the base's shortest run
    cpu_us: float  # median CPU time per step, in microseconds
    wall_us: float  # shortest wall time per step, in microseconds


Run = Callable[[int], Timing]


def calibrate(run: Run, seconds: float) -> int:
    """The number of steps that take about `seconds` of CPU time. These runs also warm up just-in-time compilers."""
    steps = 1
    for _ in range(CALIBRATIONS):
        timing = run(steps)
        steps = max(1, round(seconds * timing.steps / max(timing.cpu, 1e-7)))
        steps = min(steps, 100 * timing.steps)  # the first run is unreliable, so approach in stages
    return steps


def compare(
    runs: Mapping[str, Run],
    base: str,
    *,
    rounds: int = 11,
    seconds: float = RUN_S,
    rng: random.Random | None = None,
) -> list[Comparison]:
    """Compare every implementation with `base`, including itself. Raises ValueError for rounds < 1."""
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
