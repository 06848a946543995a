"""Schedules: how the learning rate changes while a network learns. `factor(epoch, span)` multiplies the base rate.

Epochs are counted from 0 and may be fractions; the span is the length of one full schedule in epochs. After the span
the factor keeps its last value, so a schedule also works for a run without a limit.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi
from typing import NamedTuple

DEFAULT_SPAN_EPOCHS = 100.0  # epochs of one full schedule when the run has no epoch limit
FINAL_FACTOR = 0.01  # factor at the end of every falling schedule: not zero, so that learning continues
INITIAL_FACTOR = 0.1  # factor at the start of every rising schedule
PEAK_SHARE = 0.3  # share of the span after which one_cycle turns


class Schedule(NamedTuple):
    name: str
    label: str
    factor: Callable[[float, float], float]  # (epoch, span) -> what the base rate is multiplied by
    formula: str  # LaTeX; s is the completed share of the span, at most 1
    sentence: str


def _share(epoch: float, span: float) -> float:
    return min(epoch / span, 1.0)


def _constant(epoch, span):
    return 1.0


def _step(epoch, span):
    return FINAL_FACTOR ** (min(int(3 * _share(epoch, span)), 2) / 2)


def _exponential(epoch, span):
    return FINAL_FACTOR ** _share(epoch, span)


def _between(start, end, share):
    """Half a period of a cosine from start to end."""
    return end + (start - end) * (1 + cos(pi * share)) / 2


def _cosine(epoch, span):
    return _between(1.0, FINAL_FACTOR, _share(epoch, span))


def _warmup(epoch, span):
    return min(INITIAL_FACTOR + (1 - INITIAL_FACTOR) * _share(epoch, span) / 0.1, 1.0)


def _one_cycle(epoch, span):
    s = _share(epoch, span)
    if s < PEAK_SHARE:
        return _between(INITIAL_FACTOR, 1.0, s / PEAK_SHARE)
    return _between(1.0, FINAL_FACTOR, (s - PEAK_SHARE) / (1 - PEAK_SHARE))


SCHEDULES = {
    s.name: s
    for s in (
        Schedule(
            "constant", "Constant", _constant, "1",
            "The same rate all the time."),
        Schedule(
            "step", "Step", _step, r"0.1^{\lfloor 3s \rfloor}",
            "Ten times smaller after each third of the span: long strides first, then fine work."),
        Schedule(
            "exponential", "Exponential", _exponential, r"0.01^{s}",
            "Shrinks by the same share in each epoch, down to a hundredth."),
        Schedule(
            "cosine", "Cosine", _cosine, r"0.01 + 0.99\,\tfrac12 (1 + \cos \pi s)",
            "Stays high for a while, then falls smoothly to a hundredth; good when the number of epochs is known."),
        Schedule(
            "warmup", "Warm-up", _warmup, r"\min(0.1 + 9s,\ 1)",
            "Rises from a tenth to the full rate in the first tenth of the span: the first, blind steps stay small."),
        Schedule(
            "one_cycle", "One cycle", _one_cycle,
            r"0.1 \nearrow 1 \text{ while } s < 0.3,\ \text{then } 1 \searrow 0.01, \text{ along a cosine}",
            "Up to the full rate and down again in one span; allows a higher rate than a constant one would bear."),
    )
}  # fmt: skip
