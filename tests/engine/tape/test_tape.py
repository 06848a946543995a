"""The tape: a replay repeats the recorded calls in the same memory, without constants from the recording."""

from __future__ import annotations

import numpy as np
import pytest

from engine.formulas.tracing import record_call, trace_like
from engine.tape.tape import Tape

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


def test_a_recorded_call_runs_now_and_on_every_replay():
    tape, calls = Tape(), []
    x = np.ones(2)
    record_call(tape.wrap(x), calls.append, "ran")
    tape.play()
    tape.play()
    record_call(x, calls.append, "at once")
    assert calls == ["ran", "ran", "ran", "at once"]


def test_state_that_follows_is_changed_by_every_replay():
    tape, x, total = Tape(), np.ones(3), np.zeros(3)
    traced = trace_like(tape.wrap(x), total)
    traced += tape.wrap(x)
    tape.play()
    np.testing.assert_array_equal(total, [2, 2, 2])
    assert trace_like(x, total) is total


def test_what_a_tape_cannot_hold_is_refused():
    x = Tape().wrap(np.ones(3))
    with pytest.raises(TypeError, match="cannot be put on a tape"):
        np.add.accumulate(x)


def _weights_with_bias(inputs, units):
    flat = np.random.default_rng(1).normal(size=(inputs + 1) * units)
    return flat[: inputs * units].reshape(inputs, units), flat[inputs * units :]


@pytest.mark.parametrize("named", [False, True])
def test_a_bias_joins_the_product_before_it(named):
    (V, a), (W, b), tape = _weights_with_bias(3, 4), _weights_with_bias(4, 2), Tape()
    x = np.random.default_rng(0).normal(size=(5, 3))
    h = tape.wrap(x) @ V + a  # no ones after x: two calls
    assert len(tape) == 2
    z = h @ W
    y = z + b
    if not named:
        del z
    assert len(tape) == (4 if named else 3)
    x *= 2
    V += 1
    b -= 3
    tape.play()
    np.testing.assert_allclose(y.array, (x @ V + a) @ W + b)
    if named:
        np.testing.assert_allclose(z.array, (x @ V + a) @ W)


def test_the_gradients_of_weights_and_bias_are_one_product():
    (dW, db), tape = _weights_with_bias(3, 2), Tape()
    x, dz = np.random.default_rng(0).normal(size=(5, 3)), np.random.default_rng(2).normal(size=(5, 2))
    h, traced = tape.wrap(np.asfortranarray(x)) * 1, tape.wrap(dz)
    np.matmul(h.T, traced, out=dW)
    traced.sum(axis=0, out=db)
    assert len(tape) == 2
    dz *= 3
    tape.play()
    np.testing.assert_allclose(dW, x.T @ dz)
    np.testing.assert_allclose(db, dz.sum(axis=0))


def test_every_replay_reads_numbers_outside_the_tape():
    tape, x, limit = Tape(), np.array([[1.0, 5.0]]), np.array(2.0)
    larger = np.maximum(tape.wrap(x), limit)
    limit[()] = 4
    tape.play()
    np.testing.assert_array_equal(larger.array, [[4, 5]])
