"""The test surfaces: gradients match the heights, and minima are correct."""

from __future__ import annotations

import numpy as np
import pytest

from lab.race.surfaces import SURFACES

H = 1e-6


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
def test_the_gradient_matches_central_differences(surface):
    rng = np.random.default_rng(3)
    points = rng.uniform([surface.x_range[0], surface.y_range[0]], [surface.x_range[1], surface.y_range[1]], (40, 2))
    heights, gradients = surface.slopes(points)
    np.testing.assert_allclose(heights, surface.value(*points.T))
    for axis in range(2):
        shift = H * np.eye(2)[axis]
        expected = (surface.slopes(points + shift)[0] - surface.slopes(points - shift)[0]) / (2 * H)
        np.testing.assert_allclose(gradients[:, axis], expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
def test_the_start_is_in_range_and_the_minimum_is_lowest(surface):
    assert surface.x_range[0] <= surface.start[0] <= surface.x_range[1]
    assert surface.y_range[0] <= surface.start[1] <= surface.y_range[1]
    xs, ys, heights = surface.grid(31)
    assert heights.shape == (31, 31)
    assert heights[4, 20] == surface.value(xs[20], ys[4])
    if surface.lowest:
        (lowest,), (gradient,) = surface.slopes(np.array([surface.lowest]))
        np.testing.assert_allclose(gradient, 0, atol=1e-12)
        assert lowest <= heights.min()
    else:
        assert surface.name == "saddle"
