from __future__ import annotations

import numpy as np
import pytest

from engine.formulas.regularizers import REGULARIZERS
from tests.engine.helpers import numerical_gradient


@pytest.mark.parametrize("name", ["l1", "l2"])
def test_the_gradient_is_that_of_the_penalty(name):
    r, W = REGULARIZERS[name], np.random.default_rng(0).normal(size=(4, 3))
    numeric = numerical_gradient(lambda: r.penalty(W, 0.3), W)
    np.testing.assert_allclose(r.gradient(W, 0.3), numeric, rtol=1e-8)


def test_penalties_agree_with_a_hand_worked_example():
    W = np.array([[3.0, -1.0], [0.0, 2.0]])
    assert REGULARIZERS["l1"].penalty(W, 0.5) == 0.5 * 6
    assert REGULARIZERS["l2"].penalty(W, 0.5) == 0.25 * 14
    assert REGULARIZERS["l1"].gradient(W, 0.5).tolist() == [[0.5, -0.5], [0.0, 0.5]]
    assert REGULARIZERS["l2"].gradient(W, 0.5).tolist() == [[1.5, -0.5], [0.0, 1.0]]


def test_max_norm_shortens_only_units_that_are_too_long():
    W = np.array([[3.0, 0.3, 0.0], [4.0, 0.4, 0.0]])  # columns of length 5, 1/2 and 0
    REGULARIZERS["max_norm"].project(W, 1.0)
    np.testing.assert_allclose(W, [[0.6, 0.3, 0.0], [0.8, 0.4, 0.0]], rtol=1e-15)


def test_max_norm_does_not_change_weights_within_the_limit():
    W = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    kept = W.copy()
    REGULARIZERS["max_norm"].project(W, 100.0)
    np.testing.assert_array_equal(W, kept)
