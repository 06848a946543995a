"""The race: optimizers of the engine from one start, each with its own slots."""

from __future__ import annotations

import numpy as np
import pytest

from engine import OPTIMIZERS
from lab.race.optimizer_race import RATES, best_rates, race
from lab.race.surfaces import SURFACES

NAMES = list(OPTIMIZERS)


@pytest.mark.parametrize("name", NAMES)
def test_each_optimizer_takes_the_same_path_as_alone(name):
    surface = SURFACES["beale"]
    ran = race(surface.slopes, NAMES, surface.start, [0.003] * len(NAMES), 12)
    alone, point = OPTIMIZERS[name](0.003, 2, np.float64), np.array(surface.start)
    for step in range(13):
        np.testing.assert_array_equal(ran.points[NAMES.index(name), step], point)
        (height,), (gradient,) = surface.slopes(point[None])
        assert ran.heights[NAMES.index(name), step] == height
        alone.step(point, gradient)


def test_sgd_on_the_bowl_matches_values_computed_by_hand():
    ran = race(SURFACES["bowl"].slopes, ["sgd"], (1.0, -2.0), [0.25], 3)
    np.testing.assert_allclose(ran.points[0], [(1, -2), (0.5, -1), (0.25, -0.5), (0.125, -0.25)])
    np.testing.assert_allclose(ran.heights[0], [5, 1.25, 0.3125, 0.078125])
    assert ran.steps == 3


def test_a_diverged_optimizer_becomes_nan():
    ran = race(SURFACES["rosenbrock"].slopes, ["sgd", "adam"], (-1.5, 2.0), [0.1, 0.1], 60)
    assert np.isnan(ran.heights[0, -1])
    assert np.isnan(ran.points[0, -1]).all()
    assert np.isfinite(ran.heights[1]).all()


def test_a_race_without_time_ends_at_its_start():
    ran = race(SURFACES["bowl"].slopes, NAMES, (1.0, 1.0), [0.1] * 7, 50, seconds=-1)
    assert ran.steps == 0
    assert ran.points.shape == (7, 1, 2)


def test_the_best_rate_has_the_lowest_final_height():
    surface, names = SURFACES["ravine"], ["sgd", "adam"]
    chosen = best_rates(surface.slopes, names, surface.start, 30)
    for name, best in zip(names, chosen, strict=True):
        last = [race(surface.slopes, [name], surface.start, [rate], 30).heights[0, -1] for rate in RATES]
        assert best == RATES[int(np.nanargmin(last))]
