"""Optimizers against trajectories in plain Python and scikit-learn; against PyTorch in tests/oracle."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from engine.formulas.losses import Objective
from engine.formulas.optimizers import BLOCK_SIZE, OPTIMIZERS
from engine.network.layers import Activation, Dense
from engine.network.network import Network
from engine.tape.tape import Tape

# Three steps by hand --------------------------------------------------------------------------------------------------

START = (1.0, -2.0)
GRADIENTS = ((0.5, -1.0), (0.25, 2.0), (-1.0, 0.0))  # of the two parameters in three steps


def sgd(p, gradients):
    for g in gradients:
        p = p - 0.1 * g
        yield p


def momentum(p, gradients):
    v = 0.0
    for g in gradients:
        v = 0.9 * v + g
        p = p - 0.1 * v
        yield p


def nesterov(p, gradients):
    v = 0.0
    for g in gradients:
        v = 0.9 * v + g
        p = p - 0.1 * (g + 0.9 * v)
        yield p


def adagrad(p, gradients):
    total = 0.0
    for g in gradients:
        total = total + g**2
        p = p - 0.1 * g / (total**0.5 + 1e-10)
        yield p


def rmsprop(p, gradients):
    average = 0.0
    for g in gradients:
        average = 0.99 * average + 0.01 * g**2
        p = p - 0.1 * g / (average**0.5 + 1e-8)
        yield p


def adam(p, gradients, decay=0.0):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        p = p - 0.1 * decay * p
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        p = p - 0.1 * m_hat / (v_hat**0.5 + 1e-8)
        yield p


def adamw(p, gradients):
    return adam(p, gradients, decay=0.01)


BY_HAND = {f.__name__: f for f in (sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw)}
NAMES = pytest.mark.parametrize("name", OPTIMIZERS)


def trajectory(optimizer, start=START, gradients=GRADIENTS):
    p, points = np.array(start), []
    for gradient in gradients:
        optimizer.step(p, np.array(gradient))
        points.append(p.copy())
    return np.array(points)


@NAMES
def test_three_steps_equal_the_formula_in_plain_python(name):
    expected = [
        list(BY_HAND[name](p, gradients)) for p, gradients in zip(START, zip(*GRADIENTS, strict=True), strict=True)
    ]
    np.testing.assert_allclose(
        trajectory(OPTIMIZERS[name](0.1, 2, np.float64)), np.transpose(expected), rtol=1e-13, atol=1e-14
    )


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("sgd", [(0.95, -1.9), (0.925, -2.1), (1.025, -2.1)]),
        ("momentum", [(0.95, -1.9), (0.88, -2.01), (0.917, -2.109)]),  # v: (.5, -1), (.7, 1.1), (-.37, .99)
        ("nesterov", [(0.905, -1.81), (0.817, -2.109), (0.9503, -2.1981)]),
        ("adagrad", [(0.9, -1.9), (0.9 - 0.1 / 5**0.5, -1.9 - 0.2 / 5**0.5), (0.9425658, -1.9894427)]),
        ("adam", [(0.9, -1.9), (0.8067820, -1.9366104), (0.8274177, -1.9649103)]),
    ],
)
def test_three_steps_have_the_values_worked_out_by_hand(name, points):
    np.testing.assert_allclose(trajectory(OPTIMIZERS[name](0.1, 2, np.float64)), points, atol=6e-8)


@NAMES
def test_a_step_of_many_blocks_is_counted_once(name):
    """Many parameters are updated in blocks with the same corrections as two parameters."""
    size = 2 * BLOCK_SIZE + 2
    starts, gradients = np.tile(START, size // 2), [np.tile(g, size // 2) for g in GRADIENTS]
    optimizer = OPTIMIZERS[name](0.1, size, np.float64)
    points = trajectory(optimizer, starts, gradients)
    assert optimizer.t == 3
    expected = trajectory(OPTIMIZERS[name](0.1, 2, np.float64))
    np.testing.assert_allclose(points, np.tile(expected, size // 2), rtol=1e-14)


@NAMES
def test_a_new_learning_rate_applies_from_the_next_step(name):
    optimizer, p, g = OPTIMIZERS[name](0.1, 2, np.float64), np.array(START), np.ones(2)
    tape = Tape()
    optimizer.step(tape.wrap(p), tape.wrap(g))
    assert np.all(p != START)
    optimizer.rate[()] = 0
    kept = p.copy()
    tape.play()
    np.testing.assert_array_equal(p, kept)


def test_adamw_shrinks_only_what_the_mask_names():
    masked, adam = (
        OPTIMIZERS["adamw"](0.1, 2, np.float64, decays=np.array([1, 0])),
        OPTIMIZERS["adam"](0.1, 2, np.float64),
    )
    full = OPTIMIZERS["adamw"](0.1, 2, np.float64)
    points = trajectory(masked)
    np.testing.assert_array_equal(points[:, 0], trajectory(full)[:, 0])
    np.testing.assert_array_equal(points[:, 1], trajectory(adam)[:, 1])
    assert np.all(trajectory(full)[:, 1] != points[:, 1])


def test_decoupled_decay_is_not_coupled_decay():
    """Without a gradient, AdamW shrinks weights by rate times decay; L2 through Adam takes full steps."""
    decoupled, coupled = (
        OPTIMIZERS["adamw"](0.1, 1, np.float64, weight_decay=0.5),
        OPTIMIZERS["adam"](0.1, 1, np.float64),
    )
    p, q = np.ones(1), np.ones(1)
    decoupled.step(p, np.zeros(1))
    coupled.step(q, 0.5 * q)
    assert p[0] == pytest.approx(1 - 0.1 * 0.5, rel=1e-12)
    assert q[0] == pytest.approx(1 - 0.1, rel=1e-6)


def test_weight_decay_may_change_during_a_run():
    optimizer, p, g = OPTIMIZERS["adamw"](0.1, 1, np.float64, weight_decay=0.0), np.ones(1), np.zeros(1)
    tape = Tape()
    optimizer.step(tape.wrap(p), tape.wrap(g))
    assert p[0] == 1
    optimizer.weight_decay[()] = 0.5
    tape.play()
    assert p[0] == pytest.approx(0.95)


@NAMES
def test_slots_start_at_zero_in_the_wanted_precision(name):
    optimizer = OPTIMIZERS[name](0.1, 5, np.float32)
    assert list(optimizer.slots) == list(optimizer.slot_names)
    for slot in optimizer.slots.values():
        assert slot.dtype == np.float32
        assert slot.tolist() == [0] * 5


# scikit-learn ---------------------------------------------------------------------------------------------------------

SOLVERS = {
    "sgd": {"solver": "sgd", "momentum": 0.0},
    "momentum": {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": False},
    "nesterov": {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": True},
    "adam": {"solver": "adam", "epsilon": 1e-30},  # they do not correct epsilon, so a negligible one is used
}
TASKS = {
    "two classes": (MLPClassifier, ("classification", 2, "sigmoid", "binary_crossentropy"), "tanh", "tanh"),
    "three classes": (MLPClassifier, ("classification", 3, "softmax", "categorical_crossentropy"), "relu", "relu"),
    "regression": (MLPRegressor, ("regression", 0, "linear", "mse"), "logistic", "sigmoid"),
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("task", TASKS)
def test_the_loss_curve_is_that_of_scikit_learn(task, solver):
    """From the same initial weights, in batches of 8 in the same order, the last one smaller."""
    estimator, terms, theirs, ours = TASKS[task]
    rng, epochs, rate = np.random.default_rng(4), 20, 0.02
    x, objective = rng.normal(size=(45, 3)), Objective(*terms)
    y = x[:, 0] - x[:, 1] ** 2 if objective.classes == 0 else rng.integers(0, objective.classes, 45)

    def fitted(learning_rate, max_iter):
        same = {"activation": theirs, "alpha": 0, "batch_size": 8, "shuffle": False, "random_state": 5}
        length = {"learning_rate_init": learning_rate, "max_iter": max_iter, "tol": 0, "n_iter_no_change": 1000}
        model = estimator(hidden_layer_sizes=(6, 4), **same, **length, **SOLVERS[solver])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return model.fit(x, y)

    start = fitted(1e-300, 1)  # a step that changes no digit leaves the initial weights
    layers = [Dense(6), Activation(ours), Dense(4), Activation(ours), Dense(objective.units)]
    network = Network(layers, (3,), rng=rng, dtype=np.float64)
    for number, W, b in zip((0, 2, 4), start.coefs_, start.intercepts_, strict=True):
        network.named[f"{number}.W"][...], network.named[f"{number}.b"][...] = W, b
    half = 0.5 if objective.classes == 0 else 1.0  # they minimize half of the squared error
    scale = half if solver != "adam" else 1.0  # Adam does not depend on the scale of a loss
    optimizer = OPTIMIZERS[solver](rate * scale, network.parameters.size, np.float64)
    if solver == "adam":
        optimizer.epsilon = 1e-30
    curve = train(network, objective, optimizer, x, y, steps=6 * epochs, batch=8)
    sizes = np.array([8, 8, 8, 8, 8, 5])
    mine = half * (np.reshape(curve, (epochs, 6)) @ sizes) / 45
    model = fitted(rate, epochs)
    np.testing.assert_allclose(mine, model.loss_curve_, rtol=1e-10)
    assert mine[-1] < mine[0]


def train(network, objective, optimizer, x, y, *, steps, batch):
    """Batches in order, repeatedly; the last one may be smaller. Returns the loss before each step."""
    x, t, curve, start = x.astype(network.dtype), objective.targets(y, network.dtype), [], 0
    for _ in range(steps):
        rows = slice(start, start + batch)
        z = network.forward(x[rows], train=True)
        curve.append(float(objective.value(z, t[rows])))
        network.backward(objective.gradient(z, t[rows]))
        optimizer.step(network.parameters, network.gradients)
        start = 0 if start + batch >= len(x) else start + batch
    return curve
