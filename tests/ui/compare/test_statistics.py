"""The statistics of many runs, checked by hand and with NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from ui.compare.statistics import compare_pairs, interval, reached


def test_a_target_is_reached_at_its_first_epoch_or_never():
    scores = np.array([[0.1, 0.9, 0.95], [0.1, 0.2, 0.3], [0.95, 0.1, 0.1], [-np.inf] * 3])
    assert reached(scores, 0.95).tolist() == [2, -1, 0, -1]


def test_the_interval_of_a_share_is_that_of_wilson():
    assert interval(23, 30) == pytest.approx((0.5907, 0.8821), abs=1e-4)
    assert interval(0, 10)[0] == 0
    assert interval(10, 10)[1] == pytest.approx(1)


def test_pairs_are_judged_by_the_sign_test():
    before = np.arange(10.0)
    verdict = compare_pairs(before, before - 1)
    assert (verdict.better, verdict.worse, verdict.equal) == (10, 0, 0)
    assert verdict.chance == pytest.approx(2 / 1024)
    assert verdict.is_clear
    few = compare_pairs(before[:5], before[:5] - 1)
    assert not few.is_clear  # 2 / 32
    same = compare_pairs(np.array([1.0, np.inf]), np.array([1.0, np.inf]))
    assert (same.equal, same.chance) == (2, 1.0)
