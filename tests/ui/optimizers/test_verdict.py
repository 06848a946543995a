"""The sentence below a race of optimizers."""

from __future__ import annotations

import numpy as np
import pytest

from lab.race.optimizer_race import Race
from ui.optimizers.race_parts import verdict


@pytest.mark.parametrize(
    ("heights", "said"),
    [
        ([[2, 1], [2, np.nan]], "After 1 step **SGD** is lowest."),
        ([[2, 0], [2, 0]], "After 1 step **SGD** is lowest, tied with 1 other optimizer."),
        ([[2, np.nan], [2, np.inf]], "All optimizers have diverged: the learning rate is too high here."),
        ([[np.inf, np.nan], [np.inf, np.nan]], "The height at the start is too large for a number"),
    ],
)
def test_only_a_divergence_after_the_start_blames_the_rate(heights, said):
    assert verdict(Race(("sgd", "adam"), (0.1, 0.1), np.zeros((2, 2, 2)), np.array(heights))).startswith(said)
