"""Runs of one process share equal pictures, which are freed with the last run."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from lab.experiment.experiment import Experiment
from lab.server.memory_estimate import need, together
from lab.training.build import build

DIGITS = Experiment(dataset="digits", hidden=(4,))


def test_two_runs_on_the_same_pictures_hold_them_once():
    one, other = build(DIGITS), build(DIGITS.change(hidden=(9,), learning_rate=0.5))
    assert one.dataset is other.dataset
    assert one.trainer.x_train is other.trainer.x_train
    one.trainer.epoch()
    other.trainer.epoch()
    alone = build(DIGITS, dataset=build(DIGITS.change(seed=2)).dataset).trainer  # equal settings, other pictures
    alone.epoch()
    assert one.trainer.evaluate().train_loss != alone.evaluate().train_loss


@pytest.mark.parametrize("change", [{"seed": 2}, {"noise": 0.1}, {"samples": 300}, {"scaling": "unit"}])
def test_other_pictures_are_not_shared(change):
    one, other = build(DIGITS).dataset, build(DIGITS.change(**change)).dataset
    assert one.x_train.shape != other.x_train.shape or not np.array_equal(one.x_train, other.x_train)


def test_pictures_go_with_the_last_run_that_needs_them():
    one = build(DIGITS.change(seed=77))
    pictures = weakref.ref(one.dataset)
    other = build(DIGITS.change(seed=77))
    del one
    gc.collect()
    assert pictures() is other.dataset
    del other
    gc.collect()
    assert pictures() is None


def test_shared_pictures_are_counted_once_per_process():
    mnist = need(Experiment(dataset="mnist"))
    assert mnist.data > 200
    assert together(("first", mnist) for _ in range(30)) == pytest.approx(mnist.data + 30 * mnist.own)
    assert together([("first", mnist), ("second", mnist)]) == pytest.approx(2 * (mnist.data + mnist.own))
    points = need(Experiment())
    assert together(("first", points) for _ in range(30)) == pytest.approx(30 * (points.data + points.own))
