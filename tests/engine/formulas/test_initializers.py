from __future__ import annotations

import numpy as np
import pytest

from engine.formulas.initializers import INITIALIZERS

INPUTS, OUTPUTS = 300, 100
SPREADS = {  # standard deviation of the weights
    "glorot_uniform": (2 / (INPUTS + OUTPUTS)) ** 0.5,
    "glorot_normal": (2 / (INPUTS + OUTPUTS)) ** 0.5,
    "he_uniform": (2 / INPUTS) ** 0.5,
    "he_normal": (2 / INPUTS) ** 0.5,
    "lecun_normal": (1 / INPUTS) ** 0.5,
    "uniform": 1 / 12**0.5,
    "normal": 0.1,
    "zeros": 0.0,
}
BOUNDS = {"glorot_uniform": (6 / (INPUTS + OUTPUTS)) ** 0.5, "he_uniform": (6 / INPUTS) ** 0.5, "uniform": 0.5}


def draw(name):
    return INITIALIZERS[name].draw(np.random.default_rng(0), (INPUTS, OUTPUTS), INPUTS, OUTPUTS)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_weights_have_the_spread_that_the_formula_says(name):
    assert draw(name).std() == pytest.approx(SPREADS[name], rel=0.02)


@pytest.mark.parametrize("name", BOUNDS)
def test_uniform_weights_fill_their_range_evenly_and_never_leave_it(name):
    shares = np.histogram(draw(name) / BOUNDS[name], bins=10, range=(-1, 1))[0] / (INPUTS * OUTPUTS)
    assert shares.sum() == 1
    np.testing.assert_allclose(shares, 0.1, atol=0.01)


def test_the_spread_depends_on_the_fan_only():
    """A convolution draws (rows, columns, channels, filters) but a unit has rows * columns * channels inputs."""
    W = INITIALIZERS["he_normal"].draw(np.random.default_rng(0), (3, 3, 32, 64), 288, 64)
    assert W.shape == (3, 3, 32, 64)
    assert W.std() == pytest.approx((2 / 288) ** 0.5, rel=0.02)
