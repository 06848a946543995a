"""One contract for all tables: a new entry is tested by being added."""

from __future__ import annotations

import numpy as np
import pytest

import engine
from engine.formulas.losses import Objective, valid_losses
from engine.tape.tape import Tape
from engine.training.gradient_check import relative_error
from tests.engine.helpers import PAIRS, numerical_gradient

TABLES = {
    name: getattr(engine, name)
    for name in ("ACTIVATIONS", "INITIALIZERS", "LOSSES", "OPTIMIZERS", "OUTPUTS", "REGULARIZERS", "SCHEDULES")
}
ENTRIES = [pytest.param(key, entry, id=f"{t}-{key}") for t, table in TABLES.items() for key, entry in table.items()]
ACTIVATIONS = [pytest.param(f, id=name) for name, f in engine.ACTIVATIONS.items()]
GRID = np.linspace(-7.03, 7.01, 141).reshape(47, 3)  # without a kink at its points


def replayed(formula, *arrays):
    """formula(*arrays) by replay of a recording on zeros."""
    tape = Tape()
    inputs = [np.zeros_like(a) for a in arrays]
    result = formula(*(tape.wrap(a) for a in inputs))
    for buffer, array in zip(inputs, arrays, strict=True):
        buffer[:] = array
    tape.play()
    return result.array


def test_menus_keep_the_names_and_order_that_links_use():
    assert {name: " ".join(table) for name, table in TABLES.items()} == {
        "ACTIVATIONS": "relu leaky_relu elu selu gelu swish softplus tanh sigmoid linear step sine",
        "INITIALIZERS": "glorot_uniform glorot_normal he_uniform he_normal lecun_normal uniform normal zeros",
        "LOSSES": "mse mae huber binary_crossentropy categorical_crossentropy hinge",
        "OPTIMIZERS": "sgd momentum nesterov adagrad rmsprop adam adamw",
        "OUTPUTS": "sigmoid softmax tanh linear",
        "REGULARIZERS": "l1 l2 max_norm",
        "SCHEDULES": "constant step exponential cosine warmup one_cycle",
    }


@pytest.mark.parametrize(("key", "entry"), ENTRIES)
def test_every_record_is_complete(key, entry):
    assert entry.name == key
    assert entry.label
    assert entry.label[0].isupper()
    assert entry.formula
    assert entry.formula.count("{") == entry.formula.count("}")
    assert entry.sentence[0].isupper()
    assert entry.sentence.endswith(".")
    assert "  " not in entry.sentence


@pytest.mark.parametrize("f", ACTIVATIONS)
def test_every_activation_stays_within_its_bounds(f):
    a = f.forward(np.linspace(-1000, 1000, 200001))
    low, high = f.bounds
    assert low <= a.min()
    assert a.max() <= high
    for bound, reached in ((low, a.min()), (high, a.max())):  # and the bounds are tight
        assert abs(reached) >= 6 if np.isinf(bound) else abs(bound - reached) < 1e-3


@pytest.mark.parametrize("f", ACTIVATIONS)
def test_every_activation_slope_agrees_with_central_differences(f):
    z, e = GRID, 1e-5
    assert all(np.abs(z - kink).min() > 1e-3 for kink in f.kinks)
    forward = engine.ACTIVATIONS[f.surrogate].forward if f.surrogate else f.forward
    analytic = f.backward(np.ones_like(z), z, f.forward(z))
    assert relative_error(analytic, (forward(z + e) - forward(z - e)) / (2 * e)).max() < 1e-6


@pytest.mark.parametrize("f", ACTIVATIONS)
def test_derivatives_jump_at_the_kinks_only(f):
    points = np.linspace(-3, 3, 601)
    left, right = (f.backward(np.ones_like(z), z, f.forward(z)) for z in (points - 1e-6, points + 1e-6))
    jumps = points[np.abs(right - left) > 1e-3]
    kinks = () if f.surrogate else f.kinks  # a surrogate slope is smooth
    np.testing.assert_allclose(jumps, kinks, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("f", ACTIVATIONS)
def test_every_activation_plays_from_a_tape_as_it_computes(f, dtype):
    z, da = GRID.astype(dtype), np.cos(GRID).astype(dtype)
    a = f.forward(z)
    dz = f.backward(da, z, a)
    for computed, played in ((a, replayed(f.forward, z)), (dz, replayed(f.backward, da, z, a))):
        assert computed.dtype == played.dtype == dtype
        np.testing.assert_array_equal(played, computed)


@pytest.mark.parametrize(("name", "output"), [(n, o) for n, loss in engine.LOSSES.items() for o in loss.outputs])
def test_every_loss_names_outputs_that_exist(name, output):
    assert output in engine.OUTPUTS
    assert any(name in valid_losses(kind, output) for kind in engine.LOSSES[name].kinds)


@pytest.mark.parametrize(("kind", "classes", "output", "loss"), PAIRS)
def test_objective_gradients_agree_with_central_differences(kind, classes, output, loss):
    objective = Objective(kind, classes, output, loss)
    z, t = logits_and_targets(objective)
    numeric = numerical_gradient(lambda: objective.value(z, t), z)
    assert relative_error(objective.gradient(z, t), numeric).max() < 1e-6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("kind", "classes", "output", "loss"), PAIRS)
def test_every_objective_is_replayed_exactly(kind, classes, output, loss, dtype):
    options = {"class_weights": [1, 2, 3][:classes], "label_smoothing": 0.1}
    for objective in (
        Objective(kind, classes, output, loss),
        *([Objective(kind, classes, output, loss, **options)] if kind == "classification" else []),
    ):
        z, t = (a.astype(dtype) for a in logits_and_targets(objective))
        tolerance = 50 * np.finfo(dtype).eps
        for formula in (objective.gradient, objective.value):
            # recorded on another batch, because weights of zero have no mean
            tape = Tape()
            buffers = z[::-1].copy(), t[::-1].copy()
            result = formula(*map(tape.wrap, buffers))
            for buffer, array in zip(buffers, (z, t), strict=True):
                buffer[:] = array
            tape.play()
            computed = formula(z, t)
            assert result.array.dtype == computed.dtype == dtype
            np.testing.assert_allclose(result.array, computed, rtol=tolerance, atol=tolerance)


def logits_and_targets(objective):
    """Six samples in float64, no prediction near a kink of the loss."""
    rng = np.random.default_rng(5)
    z = rng.normal(size=(6, objective.units))
    labels = np.arange(6) % objective.classes if objective.classes else rng.normal(size=6)
    t = objective.targets(labels, np.float64)
    y, answers = objective.output.forward(z), t[:, : objective.units]
    distance = np.abs(y - answers)
    assert min(distance.min(), np.abs(distance - 1).min()) > 1e-4  # mae has its kink at 0, huber and hinge theirs at 1
    return z, t


@pytest.mark.parametrize("name", engine.OPTIMIZERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_optimizer_steps_from_a_tape_as_it_computes(name, dtype):
    rng = np.random.default_rng(6)
    start, gradients = rng.normal(size=7).astype(dtype), rng.normal(size=(4, 7)).astype(dtype)
    plain_p, taped_p, g = start.copy(), start.copy(), gradients[0].copy()
    plain, taped = (engine.OPTIMIZERS[name](0.1, 7, dtype) for _ in range(2))
    tape = Tape()
    taped.step(tape.wrap(taped_p), tape.wrap(g))
    plain.step(plain_p, gradients[0])
    for gradient in gradients[1:]:
        g[:] = gradient
        tape.play()
        plain.step(plain_p, gradient)
    assert plain.t == taped.t == 4
    np.testing.assert_array_equal(taped_p, plain_p)
    assert taped_p.dtype == dtype
    assert np.all(taped_p != start)


@pytest.mark.parametrize("name", engine.OPTIMIZERS)
def test_every_optimizer_finds_the_bottom_of_a_bowl(name):
    p = np.array([2.0, -1.5])
    optimizer = engine.OPTIMIZERS[name](0.1, 2, np.float64, decays=np.zeros(2))
    for step in range(4000):
        optimizer.rate[()] = 0.1 * 0.999**step
        optimizer.step(p, 2 * p * np.array([1, 3]))
    assert np.abs(p).max() < 1e-3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("key", engine.REGULARIZERS)
def test_every_regularizer_is_a_penalty_or_a_limit(key, dtype):
    r = engine.REGULARIZERS[key]
    assert (r.penalty is None) == (r.gradient is None) == (r.project is not None)
    W = GRID.astype(dtype)
    if r.project:
        computed, played = W.copy(), np.ones_like(W)
        r.project(computed, 2.0)
        tape = Tape()
        r.project(tape.wrap(played), 2.0)
        played[:] = W
        tape.play()
    else:
        computed, played = r.gradient(W, 0.1), replayed(lambda W: r.gradient(W, 0.1), W)
    assert computed.dtype == played.dtype == dtype
    np.testing.assert_allclose(played, computed, rtol=1e-6)


@pytest.mark.parametrize("name", engine.SCHEDULES)
def test_every_schedule_stays_between_zero_and_the_base_rate(name):
    factors = [engine.SCHEDULES[name].factor(epoch, 40.0) for epoch in np.linspace(0, 100, 1001)]
    assert min(factors) > 0
    assert max(factors) == pytest.approx(1)
    assert len(set(factors[400:])) == 1  # after the span nothing changes


@pytest.mark.parametrize("name", engine.INITIALIZERS)
def test_every_initializer_draws_centered_numbers(name):
    draw = engine.INITIALIZERS[name].draw
    first, again = (draw(np.random.default_rng(7), (80, 50), 80, 50) for _ in range(2))
    assert first.shape == (80, 50)
    assert first.dtype == np.float64
    np.testing.assert_array_equal(first, again)
    assert abs(first.mean()) <= 4 * first.std() / np.sqrt(first.size)
