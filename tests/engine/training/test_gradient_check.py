"""The gradient check is correct, and every activation passes it with every loss and output function."""

from __future__ import annotations

import numpy as np
import pytest

from engine.formulas.activations import ACTIVATIONS
from engine.formulas.losses import Objective
from engine.formulas.optimizers import OPTIMIZERS
from engine.network.layers import Activation, Dense, Dropout
from engine.network.network import Network
from engine.network.normalization import BatchNorm
from engine.network.observe import observe
from engine.training.gradient_check import check, relative_error, sweep
from engine.training.trainer import Settings, Trainer
from tests.engine.helpers import PAIRS, numerical_gradient


def problem(activation, terms, seed, **options):
    """A 2-4-3 network and five samples: (network, objective, x, t)"""
    rng, objective = np.random.default_rng(seed), Objective(*terms, **options)
    layers = [
        Dense(4, initializer="normal"),
        Activation(activation),
        Dense(3),
        Activation(activation),
        Dense(objective.units),
    ]
    network = Network(layers, (2,), rng=rng, dtype=np.float64)
    network.parameters[:] = rng.normal(0, 0.8, network.parameters.size)
    labels = np.arange(5) % objective.classes if objective.classes else rng.normal(size=5)
    return network, objective, rng.normal(size=(5, 2)), objective.targets(labels, np.float64)


def smooth_problem(activation, terms, **options):
    """The first problem without values near a kink."""
    return next(
        p for p in (problem(activation, terms, seed, **options) for seed in range(200)) if is_smooth(activation, *p)
    )


def is_smooth(activation, network, objective, x, t):
    with observe(network) as seen:
        last = network.forward(x)
    z = np.concatenate([seen.outputs[name].ravel() for name in ("0", "2")])
    distance = np.abs(objective.output.forward(last) - t[:, : objective.units])
    corners = [np.abs(z - kink).min() for kink in ACTIVATIONS[activation].kinks]
    return min(*corners, distance.min(), np.abs(distance - 1).min()) > 1e-3


def worst(checks):
    return max(c.error for c in checks)


@pytest.mark.parametrize(("kind", "classes", "output", "loss"), PAIRS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_loss_and_output_passes(activation, kind, classes, output, loss):
    network, objective, x, t = smooth_problem(activation, (kind, classes, output, loss))
    checks = check(network, objective, x, t)
    assert len(checks) == network.parameters.size
    if ACTIVATIONS[activation].surrogate:  # exact after the last surrogate slope
        checks = [c for c in checks if c.layer == "4"]
        assert any(c.analytic for c in checks)
    assert worst(checks) < 1e-6


@pytest.mark.parametrize(("kind", "classes", "output", "loss"), [pair for pair in PAIRS if pair[1]])
def test_label_smoothing_and_class_weights_pass(kind, classes, output, loss):
    options = {"label_smoothing": 0.2, "class_weights": [1.0, 5.0, 0.5][:classes]}
    assert worst(check(*smooth_problem("tanh", (kind, classes, output, loss), **options))) < 1e-6


def test_it_names_every_entry_of_every_parameter():
    network, objective, x, t = problem("tanh", ("classification", 3, "softmax", "categorical_crossentropy"), 0)
    checks = check(network, objective, x, t)
    names = [f"{c.layer}.{c.parameter}" for c in checks]
    assert {name: names.count(name) for name in names} == {name: array.size for name, array in network.named.items()}
    network.backward(objective.gradient(network.forward(x, train=True), t))
    network.set_state(network.gradients.copy(), {})  # the gradient under the parameters' names
    for name, c in zip(names, checks, strict=True):
        assert network.named[name][c.index] == c.analytic


def test_it_can_check_a_few_entries_of_each_parameter():
    network, *rest = problem("tanh", ("regression", 0, "linear", "mse"), 1)
    checks = check(network, *rest, entries=3)
    for name, array in network.named.items():
        assert 1 <= sum(f"{c.layer}.{c.parameter}" == name for c in checks) <= min(3, array.size)


def test_it_finds_a_bias_gradient_summed_over_the_wrong_axis(monkeypatch):
    network, *rest = problem("tanh", ("classification", 3, "softmax", "categorical_crossentropy"), 0)
    right = Dense.backward

    def wrong(self, dz):
        dx = right(self, dz)
        self.db[:] = dz.sum()
        return dx

    monkeypatch.setattr(Dense, "backward", wrong)
    checks = check(network, *rest)
    assert {c.parameter for c in checks if c.error > 1e-3} == {"b"}


def test_it_finds_a_gradient_that_is_two_percent_too_small(monkeypatch):
    """A bug of two seeds, which divide by the number of all rows instead of the training rows."""
    network, objective, *rest = problem("tanh", ("regression", 0, "linear", "mse"), 1)
    right = objective.gradient
    monkeypatch.setattr(objective, "gradient", lambda z, t: right(z, t) * (41000 / 42000))
    checks = check(network, objective, *rest)
    assert {round(c.error, 4) for c in checks if abs(c.analytic) > 1e-3} == {round(1 - 41000 / 42000, 4)}


def test_the_check_does_not_change_the_network():
    """Dropout passes the check, because the same masks are drawn every time."""
    curves = []
    for looking in (False, True):
        rng = np.random.default_rng(1)
        x, y = rng.normal(size=(30, 2)), rng.integers(0, 2, 30)
        layers = [Dense(6), BatchNorm(), Activation("tanh"), Dropout(0.3, rng=np.random.default_rng(2)), Dense(1)]
        network = Network(layers, (2,), rng=rng, dtype=np.float64)
        objective = Objective("classification", 2, "sigmoid", "binary_crossentropy")
        optimizer = OPTIMIZERS["adam"](0.01, network.parameters.size, np.float64)
        trainer = Trainer(network, objective, optimizer, (x, y), (x, y), settings=Settings(batch_size=8), rng=rng)
        for _ in range(5):
            trainer.step()
            if looking:
                gradients = network.gradients.copy()
                assert worst(check(network, objective, x[:8], objective.targets(y[:8], np.float64))) < 1e-6
                np.testing.assert_array_equal(network.gradients, gradients)
        trainer.epoch()
        curves.append([network.parameters.copy(), *(array.copy() for array in network.state.values())])
    for without, with_checks in zip(*curves, strict=True):
        np.testing.assert_array_equal(without, with_checks)


def test_the_best_epsilon_is_medium_and_float64_beats_float32():
    epsilons, errors = [1e-1, 1e-3, 1e-5, 1e-7, 1e-9, 1e-11], {}
    for dtype in (np.float64, np.float32):
        network, objective, x, t = problem("tanh", ("regression", 0, "linear", "mse"), 1)
        other = Network(network.layers, (2,), rng=np.random.default_rng(0), dtype=dtype)
        other.parameters[:] = network.parameters
        swept = sweep(other, objective, x.astype(dtype), t.astype(dtype), epsilons)
        assert [e for e, _ in swept] == epsilons
        errors[dtype] = [error for _, error in swept]
    double, single = errors[np.float64], errors[np.float32]
    assert epsilons[int(np.argmin(double))] == 1e-5
    assert min(double) < 1e-8 < 1e-5 < min(single)
    assert double[0] > 1e-3 > double[2] < double[5]
    assert single[5] == 1  # the step is lost to rounding


def test_the_numerical_gradient_is_right_and_restores_its_argument():
    a = np.array([[0.5, -1.0], [2.0, 3.0]])
    kept = a.copy()
    np.testing.assert_allclose(numerical_gradient(lambda: float((a**3).sum()), a), 3 * a**2, rtol=1e-8)
    np.testing.assert_array_equal(a, kept)


def test_the_relative_error_ignores_rounding_near_zero():
    assert relative_error(1.0, 3.0) == pytest.approx(2 / 3)
    assert relative_error(-2.0, 2.0) == 2
    assert relative_error(0.0, 0.0) == 0
    assert relative_error(1e-12, 0.0) == pytest.approx(1e-8)
    np.testing.assert_allclose(relative_error(np.array([1.0, 4.0]), np.array([1.0, 2.0])), [0, 0.5])
