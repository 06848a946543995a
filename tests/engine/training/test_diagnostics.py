"""Diagnostics: a hand-worked example, and no effect on training."""

from __future__ import annotations

import numpy as np
import pytest

from engine.formulas.losses import Objective
from engine.formulas.optimizers import OPTIMIZERS
from engine.network.layers import Activation, Dense
from engine.network.network import Network
from engine.training import checkpoint
from engine.training.diagnostics import diagnose
from engine.training.trainer import Settings, Trainer


def test_diagnosing_changes_nothing(kind, build_trainer):
    watched, alone = build_trainer(kind), build_trainer(kind)
    for step in range(25):
        if step % 4 == 1:
            gradients = watched.network.gradients.copy()
            reports = diagnose(watched)
            assert len(reports) == len(list(watched.network.walk()))
            np.testing.assert_array_equal(watched.network.gradients, gradients)
        watched.step()
        alone.step()
    one, other = checkpoint.capture(watched), checkpoint.capture(alone)
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_equal_signals_have_no_spread():
    network = Network([Dense(3), Dense(1)], (1,), rng=np.random.default_rng(0))
    network.parameters[:] = 0
    network.named["0.b"][:] = 0.1
    x, y = np.ones((99, 1), np.float32), np.zeros(99)
    trainer = Trainer(network, Objective("regression", 0, "linear", "mse"), OPTIMIZERS["sgd"](0.1, 10),
                      (x, y), (x, y), settings=Settings(learning_rate=0.1), rng=np.random.default_rng(0))  # fmt: skip
    assert diagnose(trainer)[0].activation_std == 0


def test_the_figures_agree_with_hand_calculation():
    network = Network([Dense(2), Activation("relu"), Dense(1)], (1,), rng=np.random.default_rng(0), dtype=np.float64)
    network.named["0.W"][:], network.named["0.b"][:] = [[1, -1]], [0, -9]
    network.named["2.W"][:], network.named["2.b"][:] = [[2], [3]], [0]
    x, y = np.array([[1.0], [3.0]]), np.array([0.0, 0.0])
    trainer = Trainer(network, Objective("regression", 0, "linear", "mse"), OPTIMIZERS["sgd"](0.1, 7, np.float64),
                      (x, y), (x, y), settings=Settings(learning_rate=0.1), rng=np.random.default_rng(0))  # fmt: skip
    # z = [[1, -10], [3, -12]], a = [[1, 0], [3, 0]], y = dL/dy = [[2], [6]]
    first, relu, last = diagnose(trainer)
    assert first.activation_mean == pytest.approx((1 - 10 + 3 - 12) / 4)
    assert first.activation_std == pytest.approx(np.std([1, -10, 3, -12]))
    assert (relu.activation_mean, relu.dead, relu.saturated) == (pytest.approx(1), 0.5, 0.5)
    assert (relu.gradient_mean, relu.gradient_std) == (pytest.approx(10), pytest.approx(np.std([4, 6, 12, 18])))
    assert (first.gradient_mean, last.gradient_mean) == (pytest.approx(4), pytest.approx(4))
    # dW2 = [2 + 18, 0], db2 = 8; the step is a tenth of it; the layer's parameters are [2, 3] and 0
    assert last.update_to_weight == pytest.approx(0.1 * np.hypot(20, 8) / np.hypot(2, 3))
    assert np.isnan(relu.update_to_weight)
    assert np.isnan(first.dead)


def test_saturated_units_are_found_in_a_tanh_layer(build_trainer):
    trainer = build_trainer("dense")
    trainer.network.named["0.b"][:] = [50, 50, 50, 0, 0, 0]
    tanh = diagnose(trainer)[1]
    assert tanh.saturated >= 0.5
    assert tanh.dead == 0.5  # in float32 the slope of tanh at 50 is zero


def test_another_batch_gives_other_figures(build_trainer):
    trainer = build_trainer()
    assert diagnose(trainer, np.arange(5))[0] != diagnose(trainer, np.arange(5, 10))[0]
