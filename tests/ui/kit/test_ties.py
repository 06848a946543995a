"""Results that share the first place."""

from __future__ import annotations

import numpy as np

from ui.kit.ties import best_place, tied

RESULTS = np.array([np.nan, 0.5, 0.1, np.inf, 0.1])


def test_the_best_result_is_the_lowest_and_among_equal_ones_that_of_the_visitor():
    assert best_place(RESULTS) == 2
    assert best_place(RESULTS, own=4) == 4
    assert best_place(RESULTS, own=1) == 2
    assert best_place(RESULTS, own=9) == 2  # that is not there yet


def test_others_that_are_as_good_are_counted():
    assert tied(RESULTS, 0.1, "value") == "; 1 other value has the same"
    assert tied([1, None, 1, 1, 1], 1, "pair") == "; 3 other pairs have the same"
    assert tied(RESULTS, 0.5, "value") == ""
