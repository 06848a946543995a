"""Order statistics, checked by hand and with NumPy."""

from __future__ import annotations

import numpy as np

from lab.training.spread import best_place, spread


def test_quartiles_are_those_of_numpy():
    values = np.random.default_rng(1).normal(size=(30, 7))
    for share, found in zip((0, 25, 50, 75, 100), spread(values), strict=True):
        np.testing.assert_allclose(found, np.percentile(values, share, axis=0))


def test_diverged_runs_count_as_worse_than_any_other():
    found = spread(np.array([[1.0], [2.0], [np.inf], [np.inf], [np.inf]]))
    assert (found.low[0], found.q1[0], found.median[0], found.high[0]) == (1, 2, np.inf, np.inf)
    assert spread(np.array([[1.0], [np.inf]])).median[0] == np.inf


def test_runs_that_diverged_are_worst_where_smaller_values_are_worse():
    scores = np.array([[0.9], [0.8], [0.7], [-np.inf], [-np.inf]])
    found = spread(scores, worse=-1)
    assert [float(row[0]) for row in found] == [-np.inf, -np.inf, 0.7, 0.8, 0.9]
    assert spread(np.array([[1.0], [-np.inf]]), worse=-1).median[0] == -np.inf


def test_the_best_value_is_known_and_in_a_tie_the_own_one():
    values = np.array([np.nan, 0.5, 0.1, np.inf, 0.1])
    assert best_place(values) == 2
    assert best_place(values, own=4) == 4
    assert best_place(values, own=1) == 2
    assert best_place(values, own=9) == 2  # it is not there yet
    assert best_place(np.array([0.5, 1.0, 1.0]), worse=-1, own=2) == 2
