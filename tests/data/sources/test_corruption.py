"""Classes of unequal size, wrong labels and outliers: their number, and what they do not change."""

from __future__ import annotations

import numpy as np
import pytest

from data import BALANCED, DATASETS, load


def whole(name: str, **options):
    """Points and labels of both parts, in one order."""
    d = load(name, rng=np.random.default_rng(7), **options)
    return np.concatenate([d.points_train, d.points_test]), np.concatenate([d.y_train, d.y_test])


@pytest.mark.parametrize("name", BALANCED)
@pytest.mark.parametrize("balance", [0.1, 0.3, 0.8, 0.9])
def test_balance_is_the_weight_of_the_first_class(name, balance):
    _, labels = whole(name, balance=balance)
    classes = DATASETS[name].classes
    expected = balance / (balance + (classes - 1) * (1 - balance))
    assert len(labels) == DATASETS[name].samples
    assert np.bincount(labels)[0] / len(labels) == pytest.approx(expected, abs=0.003)
    rest = np.bincount(labels)[1:]
    assert np.ptp(rest) <= 1


def test_an_unbalanced_spiral_keeps_its_full_length():
    points, labels = whole("spiral", balance=0.2)
    radius = np.hypot(*points[labels == 0].T)
    assert radius.min() < 0.5
    assert radius.max() > 4.5


@pytest.mark.parametrize("name", BALANCED)
def test_even_the_smallest_class_has_two_examples(name):
    _, labels = whole(name, balance=0.1, samples=10)
    assert len(labels) == 10
    assert np.bincount(labels).min() >= 2


@pytest.mark.parametrize("name", ["moons", "spiral3", "iris", "digits"])
def test_exactly_the_share_of_labels_is_wrong(name):
    clean, noisy = (load(name, label_noise=share, rng=np.random.default_rng(7)) for share in (0.0, 0.2))
    np.testing.assert_array_equal(clean.x_train, noisy.x_train)
    wrong = np.concatenate([clean.y_train != noisy.y_train, clean.y_test != noisy.y_test])
    assert wrong.sum() == round(0.2 * len(wrong))
    assert (clean.y_test != noisy.y_test).any()
    assert set(noisy.y_train) == set(range(clean.classes))


def test_more_wrong_labels_keep_those_that_were_wrong():
    _, clean = whole("moons")
    few, many = (whole("moons", label_noise=share)[1] != clean for share in (0.1, 0.3))
    assert (few <= many).all()
    assert many.sum() == 150


@pytest.mark.parametrize("name", ["gauss", "hills", "drawn"])
def test_exactly_the_share_of_points_are_outliers(name):
    (points, labels), (thrown, same) = whole(name), whole(name, outliers=0.1)
    moved = (points != thrown).any(axis=1)
    assert moved.sum() == round(0.1 * len(points))
    assert np.abs(thrown[moved]).max() <= 6
    if DATASETS[name].classes:
        np.testing.assert_array_equal(labels, same)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("hills", {"label_noise": 0.1}),
        ("iris", {"outliers": 0.1}),
        ("iris", {"balance": 0.3}),
        ("plane", {"balance": 0.3}),
        ("drawn", {"balance": 0.3}),
        ("moons", {"balance": 0.95}),
        ("moons", {"label_noise": 0.6}),
        ("moons", {"outliers": -0.1}),
        ("moons", {"outliers": float("nan")}),
    ],
    ids=str,
)
def test_invalid_corruption_is_refused_with_the_allowed_values(name, options):
    with pytest.raises(ValueError, match="choose"):
        load(name, rng=np.random.default_rng(1), **options)
