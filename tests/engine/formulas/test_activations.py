from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.formulas.activations import ACTIVATIONS

with np.load(Path(__file__).parents[2] / "golden" / "activations.npz") as file:
    GOLDEN = dict(file)
NAMES = pytest.mark.parametrize("name", ACTIVATIONS)
TOLERANCE = {np.float64: 1e-12, np.float32: 2e-6}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@NAMES
def test_values_and_slopes_agree_with_pytorch(name, dtype):
    f, z = ACTIVATIONS[name], GOLDEN["z"].astype(dtype)
    a = f.forward(z)
    slope = f.backward(np.ones_like(z), z, a)
    scale = 50 if name == "sine" and dtype == np.float32 else 1  # 100 itself is rounded to 8e-6 in float32
    for ours, theirs in ((a, GOLDEN[f"{name}/forward"]), (slope, GOLDEN[f"{name}/backward"])):
        np.testing.assert_allclose(ours, theirs, rtol=TOLERANCE[dtype], atol=scale * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_sigmoid_and_swish_are_accurate_in_their_tail(dtype):
    z = np.linspace(-80, -5, 100).astype(dtype)
    s = 1 / (1 + np.exp(-z.astype(np.longdouble)))
    truth = {"sigmoid": (s, s * (1 - s)), "swish": (z * s, s * (1 + z * (1 - s)))}
    for name, expected in truth.items():
        a = ACTIVATIONS[name].forward(z)
        found = a, ACTIVATIONS[name].backward(np.ones_like(z), z, a)
        np.testing.assert_allclose(found, np.array(expected, np.float64), rtol=40 * np.finfo(dtype).eps, err_msg=name)


@NAMES
def test_no_activation_overflows_in_float32(name):
    f = ACTIVATIONS[name]
    z = np.concatenate([s * np.logspace(-38, 4, 500, dtype=np.float32) for s in (-1, 1)] + [np.zeros(1, np.float32)])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        a = f.forward(z)
        dz = f.backward(np.ones_like(z), z, a)
    assert np.isfinite(a).all()
    assert np.isfinite(dz).all()
    assert a.dtype == dz.dtype == np.float32


@NAMES
def test_a_value_that_is_not_a_number_is_never_hidden(name):
    z = np.array([0.5, np.nan, -0.5])
    assert np.isnan(ACTIVATIONS[name].forward(z)).tolist() == [False, True, False]


@NAMES
def test_infinite_values_do_not_become_finite_by_accident(name):
    f = ACTIVATIONS[name]
    with np.errstate(invalid="ignore"):
        a = f.forward(np.array([np.inf]))[0]
    if np.isinf(f.bounds[1]):
        assert not np.isfinite(a)
    elif name != "sine":
        assert a == f.bounds[1]
    else:
        assert np.isnan(a)


@NAMES
def test_the_gradient_that_arrives_is_passed_on_in_proportion(name):
    f, z = ACTIVATIONS[name], np.linspace(-2, 2.2, 7)
    a = f.forward(z)
    da = np.arange(7.0)
    np.testing.assert_allclose(f.backward(da, z, a), da * f.backward(np.ones(7), z, a), rtol=1e-14)


@NAMES
def test_no_activation_changes_its_input(name):
    f, z = ACTIVATIONS[name], np.linspace(-2, 2.2, 7)
    da, kept = np.ones(7), z.copy()
    f.backward(da, z, f.forward(z))
    np.testing.assert_array_equal(z, kept)
    np.testing.assert_array_equal(da, np.ones(7))


def test_the_step_learns_with_the_slope_of_the_sigmoid():
    z = np.linspace(-5, 5, 11)
    step, sigmoid = ACTIVATIONS["step"], ACTIVATIONS["sigmoid"]
    assert step.surrogate == "sigmoid"
    assert step.forward(z).tolist() == [0.0] * 6 + [1.0] * 5
    np.testing.assert_array_equal(step.backward(z, z, step.forward(z)), sigmoid.backward(z, z, sigmoid.forward(z)))


def test_the_tanh_form_of_gelu_is_close_to_the_exact_one():
    from math import erf, sqrt

    z = np.linspace(-6, 6, 1201)
    exact = [v * (1 + erf(v / sqrt(2))) / 2 for v in z]
    assert np.abs(ACTIVATIONS["gelu"].forward(z) - exact).max() < 5e-4


SHAPED = [name for name, f in ACTIVATIONS.items() if f.parameter]


@pytest.mark.parametrize("name", SHAPED)
def test_the_usual_value_of_a_parameter_is_what_networks_use(name):
    f, z = ACTIVATIONS[name], np.linspace(-2, 2.2, 7)
    a = f.forward(z, f.parameter.usual)
    np.testing.assert_array_equal(a, f.forward(z))
    np.testing.assert_array_equal(f.backward(z, z, a, f.parameter.usual), f.backward(z, z, a))


@pytest.mark.parametrize("name", SHAPED)
@pytest.mark.parametrize("share", [0, 0.3, 1])
def test_slopes_are_right_for_other_parameter_values(name, share):
    f, z, e = ACTIVATIONS[name], np.linspace(-2, 2.2, 7), 1e-6
    value = share * f.parameter.maximum
    slope = f.backward(np.ones(7), z, f.forward(z, value), value)
    np.testing.assert_allclose(slope, (f.forward(z + e, value) - f.forward(z - e, value)) / (2 * e), atol=1e-8)


def test_selu_keeps_mean_0_and_variance_1():
    a = ACTIVATIONS["selu"].forward(np.random.default_rng(0).normal(size=1_000_000))
    assert abs(a.mean()) < 0.005
    assert abs(a.var() - 1) < 0.01


def test_the_range_is_put_in_words():
    assert {name: f.range for name, f in ACTIVATIONS.items()} == {
        "relu": "0 to infinity",
        "leaky_relu": "any number",
        "elu": "-1 to infinity",
        "selu": "-1.7581 to infinity",
        "gelu": "-0.1701 to infinity",
        "swish": "-0.2785 to infinity",
        "softplus": "0 to infinity",
        "tanh": "-1 to 1",
        "sigmoid": "0 to 1",
        "linear": "any number",
        "step": "0 to 1",
        "sine": "-1 to 1",
    }
