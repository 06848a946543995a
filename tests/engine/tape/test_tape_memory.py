"""A tape reuses only the memory of unreferenced results."""

from __future__ import annotations

import numpy as np

from engine.formulas.tracing import untraced
from engine.tape.tape import Tape


def memory(tape: Tape) -> int:
    """Number of different memory ranges that the calls write to."""
    written = (arguments[-1] for _, arguments in tape.calls if isinstance(arguments[-1], np.ndarray))
    return len({array.__array_interface__["data"][0] for array in written})


def test_a_long_formula_needs_the_memory_of_two_results():
    tape, x = Tape(), np.ones((4, 3))
    y = tape.wrap(x)
    for _ in range(10):
        y = y * 2.0
    assert len(tape) == 10
    assert memory(tape) == 2
    x[:] = 3
    tape.play()
    np.testing.assert_array_equal(y.array, np.full((4, 3), 3 * 2.0**10))


def test_a_referenced_result_is_not_overwritten():
    tape, x = Tape(), np.arange(6.0)
    traced = tape.wrap(x)
    first = traced + 1
    for _ in range(3):
        traced = traced * 2
    last = traced - first
    x[:] = 5
    tape.play()
    np.testing.assert_array_equal(last.array, np.full(6, 5 * 8 - 6))


def test_a_view_keeps_the_memory_of_its_result():
    tape = Tape()
    view = (tape.wrap(np.arange(6.0)) + 1).reshape(2, 3).T[1:]
    other = tape.wrap(np.zeros(6)) + 9
    np.testing.assert_array_equal(view.array, [[2, 5], [3, 6]])
    np.testing.assert_array_equal(other.array, np.full(6, 9))


def test_a_requested_array_can_be_read_after_every_replay():
    tape, x = Tape(), np.zeros(4)
    seen = [(tape.wrap(x) + number).array for number in range(3)]
    seen.append(untraced(tape.wrap(x) + 3))
    for _ in range(3):
        tape.play()
    assert [array.tolist() for array in seen] == [[float(number)] * 4 for number in range(4)]
    assert memory(tape) == 4


def test_only_results_of_the_same_length_and_kind_share_memory():
    tape, x = Tape(), np.ones(4)
    traced = tape.wrap(x)
    traced + 1
    short = traced[:2] + 1
    mask = traced > 0
    assert memory(tape) == 3
    assert (short.dtype, mask.dtype) == (np.float64, bool)
