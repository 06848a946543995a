"""The evaluation tape has the documented accuracy."""

from __future__ import annotations

import numpy as np

from engine.tape.evaluation_tape import EvaluationTape


def test_the_fast_tanh_keeps_its_error_bound_at_every_replay():
    tape = EvaluationTape()
    z = np.linspace(-60, 60, 100_001, dtype=np.float32)
    with np.errstate(over="ignore"):
        a = np.tanh(tape.wrap(z)).array
        for shift in (0, 0.37):
            z += np.float32(shift)
            tape.play()
            assert np.abs(a - np.tanh(z)).max() < 4e-7
    assert a.dtype == np.float32
    assert (a.min(), a.max()) == (-1, 1)


def test_the_fast_tanh_handles_nan_and_infinity():
    with np.errstate(over="ignore"):
        a = np.tanh(EvaluationTape().wrap(np.array([np.nan, np.inf, -np.inf], np.float32))).array
    assert np.array_equal(a, np.array([np.nan, 1, -1], np.float32), equal_nan=True)


def test_other_functions_are_as_on_any_tape():
    z = np.linspace(-3, 3, 50, dtype=np.float32)
    assert np.array_equal(np.exp(EvaluationTape().wrap(z)).array, np.exp(z))
