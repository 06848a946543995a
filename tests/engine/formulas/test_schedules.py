from __future__ import annotations

import numpy as np
import pytest

from engine.formulas.schedules import DEFAULT_SPAN_EPOCHS, SCHEDULES

POINTS = {  # epoch -> factor
    "constant": {0: 1, 50: 1, 100: 1},
    "step": {0: 1, 33: 1, 34: 0.1, 66: 0.1, 67: 0.01, 100: 0.01, 500: 0.01},
    "exponential": {0: 1, 50: 0.1, 100: 0.01, 500: 0.01},
    "cosine": {0: 1, 50: 0.505, 100: 0.01, 500: 0.01},
    "warmup": {0: 0.1, 5: 0.55, 10: 1, 100: 1, 500: 1},
    "one_cycle": {0: 0.1, 15: 0.55, 30: 1, 65: 0.505, 100: 0.01, 500: 0.01},
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_factors_have_the_values_worked_out_by_hand(name):
    for epoch, expected in POINTS[name].items():
        assert SCHEDULES[name].factor(float(epoch), DEFAULT_SPAN_EPOCHS) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
def test_only_the_share_of_the_span_counts(name):
    factor = SCHEDULES[name].factor
    assert [factor(e, 10.0) for e in (0.0, 2.5, 7.5, 10.0)] == [factor(8 * e, 80.0) for e in (0.0, 2.5, 7.5, 10.0)]


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - {"step"}))
def test_the_rate_moves_smoothly_and_never_jumps(name):
    factors = [SCHEDULES[name].factor(epoch, 100.0) for epoch in np.linspace(0, 110, 11001)]
    assert np.abs(np.diff(factors)).max() < 0.002
