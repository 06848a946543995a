"""The tape: what it records is what it plays, into the same memory, without new numbers creeping in."""

from __future__ import annotations

import numpy as np
import pytest

from engine.tape import Tape, follow, perform

FORMULAS = {
    "arithmetic": lambda x: (1 - x) * x / 2 + x**2,
    "in place": lambda x: _in_place(x),
    "matrix product": lambda x: (x @ x.T) @ x,
    "stacked matrix product": lambda x: np.matmul(x.reshape(2, 2, 3), x.reshape(2, 2, 3).transpose(0, 2, 1)),
    "bias": lambda x: x @ np.ones((3, 2), x.dtype) + np.array([1, 2], x.dtype),
    "sums": lambda x: x.sum(axis=0) + x.sum(axis=1, keepdims=True) + x.sum(),
    "means": lambda x: x.mean(axis=0) * x.mean(),
    "largest": lambda x: np.maximum(x.max(axis=1, keepdims=True), 0.5) + np.minimum(x, 0),
    "masks": lambda x: x * ((x > 0) & (x < 1)),
    "views": lambda x: x[1:, ::2].T,
    "a reshape that has to copy": lambda x: (2 * x).T.reshape(6, 2),
    "functions": lambda x: np.exp(np.tanh(x)) * np.sign(x),
}


def _in_place(x):
    y = x * 1
    y += x
    y[1:] -= 2 * x[1:]
    y[0] = 7
    return y


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_replay_gives_what_the_formula_gives_for_new_numbers(name, dtype):
    rng, tape = np.random.default_rng(0), Tape()
    x = rng.normal(size=(4, 3)).astype(dtype)
    traced = FORMULAS[name](tape.wrap(x))
    for _ in range(3):
        np.testing.assert_allclose(traced.array, FORMULAS[name](x), rtol=1e-5)
        assert traced.array.dtype == dtype
        x[:] = rng.normal(size=(4, 3))
        tape.play()


def test_a_function_that_is_no_formula_runs_now_and_on_every_replay():
    tape, calls = Tape(), []
    x = np.ones(2)
    perform(tape.wrap(x), calls.append, "ran")
    tape.play()
    tape.play()
    perform(x, calls.append, "at once")
    assert calls == ["ran", "ran", "ran", "at once"]


def test_state_that_follows_is_changed_by_every_replay():
    tape, x, total = Tape(), np.ones(3), np.zeros(3)
    traced = follow(tape.wrap(x), total)
    traced += tape.wrap(x)
    tape.play()
    np.testing.assert_array_equal(total, [2, 2, 2])
    assert follow(x, total) is total


def test_what_a_tape_cannot_hold_is_refused():
    x = Tape().wrap(np.ones(3))
    with pytest.raises(TypeError, match="cannot be put on a tape"):
        np.add.accumulate(x)
