"""The learning curve: bounded, with a counter for changes of earlier points."""

from __future__ import annotations

import numpy as np
import pytest

from engine.training.history import History


def filled(epochs: int, capacity: int = 10) -> History:
    history = History(columns=2, capacity=capacity)
    for epoch in range(epochs + 1):
        if history.wants(epoch):
            history.add(np.array([epoch]), np.array([[epoch, -epoch]]))
    return history


def test_a_short_curve_keeps_every_epoch():
    history = filled(6)
    np.testing.assert_array_equal(history.epochs, range(7))
    np.testing.assert_array_equal(history.values, [range(7), range(0, -7, -1)])
    assert history.generation == 0


def test_a_full_curve_halves_itself_and_doubles_its_spacing():
    history = filled(100)
    assert history.stride == 16
    np.testing.assert_array_equal(history.epochs, range(0, 101, 16))
    np.testing.assert_array_equal(history.values[0], history.epochs)
    assert history.generation > 0


@pytest.mark.parametrize("size", [1, 3, 10, 200])
def test_points_added_together_give_the_same_curve(size):
    alone, together, epochs = filled(200), History(columns=2, capacity=10), np.arange(201)
    for start in range(0, len(epochs), size):
        some = epochs[start : start + size]
        together.add(some, np.stack([some, -some], axis=1))
    assert together.stride == alone.stride
    np.testing.assert_array_equal(together.epochs, alone.epochs)
    np.testing.assert_array_equal(together.values, alone.values)


def test_cutting_forgets_what_came_after():
    history = filled(8)
    history.cut(5)
    np.testing.assert_array_equal(history.epochs, range(6))
    assert history.generation == 1


def test_clearing_starts_a_new_curve():
    history = filled(100)
    generation = history.generation
    history.clear()
    assert (history.count, history.stride, history.generation) == (0, 1, generation + 1)
    assert history.wants(1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_curve_has_the_precision_of_the_run(build_trainer, dtype):
    trainer = build_trainer(dtype=dtype)
    trainer.epoch()
    assert trainer.history.values.dtype == dtype
    within = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(trainer.history.values[:, -1], trainer.evaluate()[:4], rtol=within)
