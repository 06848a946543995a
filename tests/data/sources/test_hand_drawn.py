"""Drawn points: their text in a link, and the data set made of them."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import load
from data.sources import hand_drawn

FOUR = [[-3, 2, 0], [1, 1, 0], [2, -2, 3], [4, -5, 3]]
points = st.lists(st.tuples(st.floats(-6, 6), st.floats(-6, 6), st.integers(0, 4)), min_size=1, max_size=60)


def text_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(data)).decode().rstrip("=")


@given(points)
def test_packing_moves_points_by_at_most_half_a_cell(given_points):
    places, labels = hand_drawn.unpack(hand_drawn.pack(given_points))
    assert np.abs(places - np.array(given_points)[:, :2]).max() <= 12 / 256 / 2 + 1e-9
    assert labels.tolist() == [label for *_, label in given_points]


@given(points)
def test_packing_unpacked_points_changes_nothing(given_points):
    text = hand_drawn.pack(given_points)
    places, labels = hand_drawn.unpack(text)
    assert hand_drawn.pack([[x, y, int(label)] for (x, y), label in zip(places, labels, strict=True)]) == text


def test_points_outside_the_plane_are_clipped_to_it():
    places, _ = hand_drawn.unpack(hand_drawn.pack([[-99, 99, 0]]))
    np.testing.assert_allclose(places, [[-6 + 6 / 256, 6 - 6 / 256]])


def test_500_random_points_take_about_2000_characters():
    rng = np.random.default_rng(0)
    scattered = [[*rng.uniform(-6, 6, 2).tolist(), int(rng.integers(5))] for _ in range(500)]
    assert len(hand_drawn.pack(scattered)) < 2100


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [[1, 2]],
        [[1, 2, 5]],
        [[1, 2, -1]],
        [[1, 2, 0.5]],
        [[1, 2, True]],
        [[float("nan"), 2, 0]],
        [[float("inf"), 2, 0]],
        [["1", 2, 0]],
        [None],
        [[1, 2, None]],
        [[0, 0, 0]] * 2001,
    ],
    ids=lambda value: str(value)[:30],
)
def test_anything_but_a_list_of_points_is_refused(wrong):
    with pytest.raises(ValueError, match="Allowed: 2 to 2,000 points"):
        hand_drawn.pack(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "zzz",
        "é",
        "A" * 13_000,
        text_of(b""),
        text_of(b"\1\2"),
        text_of(b"\1\2\5"),
        text_of(bytes(6003)),
        text_of(bytes(10**7)),
        hand_drawn.pack(FOUR)[:-4],
    ],
    ids=["no base64", "no ascii", "too long", "empty", "not in threes", "class 5", "2001 points", "a bomb", "cut off"],
)
def test_an_invalid_text_is_refused(text):
    with pytest.raises(ValueError, match="Allowed: "):
        hand_drawn.unpack(text)


def test_class_names_keep_the_drawn_numbers():
    text = hand_drawn.pack(FOUR)
    source = hand_drawn.source(text)
    assert hand_drawn.class_numbers(text) == [0, 3]
    assert source.class_names == ("class 1", "class 4")
    dataset = load("drawn", points=text, rng=np.random.default_rng(1))
    assert sorted([*dataset.y_train.tolist(), *dataset.y_test.tolist()]) == [0, 0, 1, 1]


def test_too_few_points_give_a_reason():
    assert hand_drawn.problem(hand_drawn.pack(FOUR)) == ""
    assert hand_drawn.problem("") == ""
    assert hand_drawn.problem(hand_drawn.pack(FOUR[:2])) == "only one class"
    assert hand_drawn.problem(hand_drawn.pack(FOUR[:3])) == "only one point of class 4"


def test_noise_moves_the_drawn_points():
    text = hand_drawn.pack(FOUR)
    calm = load("drawn", points=text, rng=np.random.default_rng(1))
    noisy = load("drawn", points=text, noise=0.1, rng=np.random.default_rng(1))
    together = np.concatenate([calm.points_train, calm.points_test])
    assert sorted(together.tolist()) == sorted(hand_drawn.unpack(text)[0].astype(np.float32).tolist())
    moved = np.abs(np.concatenate([noisy.points_train, noisy.points_test]) - together)
    assert 0 < moved.max() <= 0.6001


def test_fewer_samples_are_chosen_in_proportion():
    dataset = load("drawn", samples=12, rng=np.random.default_rng(1))
    assert np.bincount(np.concatenate([dataset.y_train, dataset.y_test])).tolist() == [6, 6]
