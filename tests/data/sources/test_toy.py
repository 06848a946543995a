"""Geometry of the toys: positions of the classes, heights of the surfaces, and the effect of noise."""

from __future__ import annotations

import numpy as np
import pytest

from data.dataset import Raw
from data.sources.toy import HILLS, TOYS, hills_height, plane_height

SOURCES = {source.name: source for source in TOYS}
CLASSES = [source.name for source in TOYS if source.kind == "classification"]


def draw(name: str, samples: int = 600, noise: float = 0.0, seed: int = 3) -> Raw:
    positions_rng, noise_rng = np.random.default_rng(seed).spawn(2)
    return SOURCES[name].make(samples, noise, positions_rng, noise_rng)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("samples", [10, 11, 601])
def test_the_classes_are_equally_large_within_one(name, samples):
    counts = np.bincount(draw(name, samples).y.astype(int), minlength=SOURCES[name].classes)
    assert len(counts) == SOURCES[name].classes
    assert counts.sum() == samples
    assert np.ptp(counts) <= (2 if name == "xor" else 1)  # xor is equal by quadrant, two of them a class


@pytest.mark.parametrize("name", CLASSES)
def test_without_noise_classes_are_the_split_groups(name):
    raw = draw(name)
    np.testing.assert_array_equal(raw.y, raw.group)


@pytest.mark.parametrize("name", CLASSES)
def test_noise_does_not_change_the_split_groups(name):
    np.testing.assert_array_equal(draw(name).group, draw(name, noise=0.5).group)


@pytest.mark.parametrize("name", SOURCES)
def test_points_without_noise_lie_in_the_plane(name):
    raw = draw(name, 2000)
    assert raw.x.shape == (2000, 2)
    assert np.abs(raw.x).max() <= 6
    assert np.abs(raw.x).max() > 4


@pytest.mark.parametrize("name", sorted(set(SOURCES) - {"gauss"}))
def test_points_with_maximum_noise_lie_in_the_plane(name):
    assert np.abs(draw(name, 2000, noise=0.5).x).max() <= 6


def test_the_disk_and_the_ring_keep_a_gap():
    raw = draw("circle")
    radius = np.hypot(*raw.x.T)
    assert radius[raw.y].max() < 2.5
    assert radius[~raw.y].min() >= 3.5
    assert radius.max() <= 5


def test_the_quadrants_alternate_with_a_gap_between():
    raw = draw("xor")
    np.testing.assert_array_equal(raw.y, raw.x[:, 0] * raw.x[:, 1] > 0)
    assert np.abs(raw.x).min() >= 0.3
    assert {tuple(signs) for signs in np.sign(raw.x)} == {(1, 1), (1, -1), (-1, 1), (-1, -1)}


def test_the_clouds_have_the_documented_centers_and_variance():
    for noise, variance in ((0.0, 0.5), (0.5, 4.0)):
        raw = draw("gauss", 20_000, noise)
        for label, center in ((0, -2), (1, 2)):
            cloud = raw.x[raw.y == label]
            np.testing.assert_allclose(cloud.mean(axis=0), center, atol=0.1)
            np.testing.assert_allclose(cloud.var(axis=0), variance, rtol=0.1)


@pytest.mark.parametrize(("name", "arms"), [("spiral", 2), ("spiral3", 3)])
def test_rotating_a_spiral_arm_gives_the_next(name, arms):
    turn = 2 * np.pi / arms
    raw = draw(name, 3000)
    radius = np.hypot(*raw.x.T)
    angle = np.arctan2(raw.x[:, 0], raw.x[:, 1]) - turn * raw.y  # each arm turned back onto one
    turns = {"spiral": 1.75, "spiral3": 1.25}[name]
    expected = 2 * np.pi * turns * radius / 5 + turn
    np.testing.assert_allclose(np.cos(angle - expected), 1, atol=1e-9)


@pytest.mark.parametrize("name", ["spiral", "spiral3", "moons"])
def test_nearest_neighbors_share_a_class_without_noise(name):
    raw = draw(name)
    distance = np.linalg.norm(raw.x[:, None] - raw.x[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    far = np.hypot(*raw.x.T) > 0.5  # the arms meet in the middle
    np.testing.assert_array_equal(raw.y[distance.argmin(axis=1)][far], raw.y[far])


def test_noise_mixes_the_classes_of_circle_and_quadrants():
    for name in ("circle", "xor"):
        clean, noisy = draw(name), draw(name, noise=0.5)
        share = np.mean(clean.y != noisy.y)
        assert 0.05 < share < 0.5, name


def test_the_plane_rises_from_minus_one_to_one():
    corners = np.array([[-6, -6], [6, 6], [-6, 6], [3, 0]])
    np.testing.assert_allclose(plane_height(corners), [-1, 1, 0, 0.25])


def test_each_hill_has_its_height_at_its_top():
    np.testing.assert_allclose(hills_height(HILLS[:, :2]), HILLS[:, 2], atol=0.02)
    np.testing.assert_allclose(hills_height(np.array([[2.0, 2.5], [0.0, 0.0]])), 0, atol=1e-3)


@pytest.mark.parametrize("name", ["plane", "hills"])
@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_heights_lie_between_minus_one_and_one(name, noise):
    y = draw(name, 5000, noise).y
    assert -1 <= y.min() < -0.8
    assert 0.8 < y.max() <= 1


@pytest.mark.parametrize(("name", "height"), [("plane", plane_height), ("hills", hills_height)])
def test_targets_without_noise_are_the_surface_height(name, height):
    raw = draw(name)
    np.testing.assert_allclose(raw.y, height(raw.x), atol=1e-12)
    assert not np.allclose(draw(name, noise=0.1).y, raw.y, atol=1e-3)
