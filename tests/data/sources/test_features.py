"""The features of the plane, against hand-worked values."""

from __future__ import annotations

import numpy as np
import pytest

from data.sources.features import FEATURES, plane_features

POINT = np.array([[2.0, -3.0]])
BY_HAND = {
    "x1": 2.0,
    "x2": -3.0,
    "x1^2": 4.0,
    "x2^2": 9.0,
    "x1*x2": -6.0,
    "sin_x1": 0.9092974268256817,
    "sin_x2": -0.1411200080598672,
    "cos_x1": -0.4161468365471424,
    "cos_x2": -0.9899924966004454,
    "radius": 3.605551275463989,
    "angle": -0.982793723247329,
}


def test_the_names_that_links_hold_do_not_change():
    assert list(FEATURES) == list(BY_HAND)


@pytest.mark.parametrize("name", FEATURES)
def test_each_feature_has_its_hand_computed_value(name):
    np.testing.assert_allclose(FEATURES[name].function(POINT), [BY_HAND[name]], rtol=1e-15)


@pytest.mark.parametrize("name", FEATURES)
def test_each_feature_has_a_name_a_label_and_a_formula(name):
    feature = FEATURES[name]
    assert feature.name == name
    assert feature.label
    assert feature.formula


def test_features_stand_in_the_order_asked_for():
    np.testing.assert_array_equal(
        plane_features(np.array([[2, -3], [1, 5]]), ("x2", "x1*x2", "x1")), [[-3, -6, 2], [5, 5, 1]]
    )


@pytest.mark.parametrize("shape", [(2,), (4, 3)])
def test_points_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"shape \(M, 2\)"):
        plane_features(np.zeros(shape), ("x1",))
