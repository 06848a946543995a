"""How pixels become inputs."""

from __future__ import annotations

import numpy as np
import pytest

import data
from data.scaling import SCALINGS, stretched


def digits(scaling: str, **more) -> data.Dataset:
    return data.load("digits", scaling=scaling, rng=np.random.default_rng(1), **more)


def test_stretched_pictures_have_their_hand_computed_values():
    pictures = np.array([[10, 60, 110], [7, 7, 7], [0, 255, 51]], np.uint8)
    np.testing.assert_allclose(stretched(pictures), [[0, 127.5, 255], [0, 0, 0], [0, 255, 51]])


def test_the_unit_scaling_divides_by_white():
    d = digits("unit")
    assert d.images_test is not None
    np.testing.assert_allclose(d.x_test, d.images_test.reshape(-1, 64) / 255, atol=1e-7)


def test_per_image_scaling_gives_0_to_1():
    d = digits("per_image")
    np.testing.assert_array_equal(d.x_train.min(axis=1), 0)
    np.testing.assert_array_equal(d.x_train.max(axis=1), 1)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_new_pictures_are_transformed_like_the_test_part(scaling):
    d = digits(scaling)
    assert d.images_test is not None
    np.testing.assert_allclose(
        d.inputs(d.images_test.reshape(-1, 64)), d.x_test, atol=0.003
    )  # pictures are whole numbers


def test_the_scaling_changes_neither_split_nor_noise():
    clean, noisy = digits("unit"), digits("unit", noise=0.3)
    np.testing.assert_array_equal(clean.y_test, digits("standard").y_test)
    spread = digits("standard").x_scale[0] / 255
    assert np.std(noisy.x_test - clean.x_test) == pytest.approx(0.3 * spread, rel=0.05)


@pytest.mark.parametrize(("name", "scaling"), [("iris", "unit"), ("circle", "per_image"), ("digits", "bright")])
def test_an_invalid_scaling_is_refused_with_the_allowed_ones(name, scaling):
    with pytest.raises(ValueError, match=f"{scaling}.*choose one of standard, unit, per_image"):
        data.load(name, scaling=scaling, rng=np.random.default_rng(1))
