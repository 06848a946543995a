"""From a drawing to the input of a network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data.drawing_preparation import SMALL_SHAPE, moved, prepare_drawing, resized

LARGE = (28, 28)
shapes = st.sampled_from([LARGE, SMALL_SHAPE, (5, 5), (16, 12), (64, 64)])


def drawing(rows: slice, columns: slice, size: int = 84) -> np.ndarray:
    ink = np.zeros((size, size), np.uint8)
    ink[rows, columns] = 255
    return ink


def middle(picture: np.ndarray) -> list[float]:
    """Center of mass in pixels from the top and the left; pixel 0 extends from 0 to 1."""
    return [(np.arange(side) + 0.5) @ picture.sum(axis=1 - axis) / picture.sum()
            for axis, side in enumerate(picture.shape)]  # fmt: skip


def test_ink_fills_a_box_of_20_pixels_in_proportion():
    picture = prepare_drawing(drawing(slice(10, 50), slice(30, 50)), LARGE).picture
    rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
    assert (len(rows), len(columns)) == (20, 10)
    assert picture.max() == 255


def test_the_center_of_mass_is_where_mnist_has_it():
    ink = drawing(slice(0, 60), slice(0, 10)) + drawing(slice(50, 60), slice(10, 60))  # an L, heavy at the bottom left
    assert middle(prepare_drawing(ink, LARGE).picture) == pytest.approx([14.5, 14.5], abs=0.5)


@given(st.integers(0, 40), st.integers(0, 40), shapes)
def test_the_position_on_the_pad_does_not_matter(down, right, shape):
    ink = drawing(slice(0, 40), slice(0, 12)) + drawing(slice(30, 40), slice(12, 30))
    expected = prepare_drawing(ink, shape).picture
    np.testing.assert_array_equal(prepare_drawing(np.roll(ink, (down, right), (0, 1)), shape).picture, expected)


def test_the_size_of_a_drawing_does_not_matter():
    small, large = drawing(slice(0, 20), slice(0, 10)), drawing(slice(0, 80), slice(0, 40))
    np.testing.assert_array_equal(prepare_drawing(small, LARGE).picture, prepare_drawing(large, LARGE).picture)


def test_a_small_digit_fills_the_height_in_sixteenths():
    picture = prepare_drawing(drawing(slice(10, 70), slice(30, 45)), SMALL_SHAPE).picture
    assert picture.any(axis=1).all()
    counts = picture * (16 / 255)
    np.testing.assert_allclose(counts, np.rint(counts), atol=0.04)


def test_thin_strokes_are_thickened_to_the_ink_of_the_set():
    hair = prepare_drawing(drawing(slice(0, 80), slice(40, 42)), SMALL_SHAPE).picture
    assert 0.25 <= hair.mean() / 255 <= 0.45


@pytest.mark.parametrize("shape", [LARGE, SMALL_SHAPE])
def test_an_empty_pad_gives_an_empty_picture(shape):
    prepared = prepare_drawing(np.zeros((84, 84), np.uint8), shape)
    assert prepared.empty
    assert prepared.picture.shape == shape
    assert not prepared.picture.any()


@given(arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12))), shapes)
def test_any_drawing_becomes_a_picture_of_the_right_shape(ink, shape):
    prepared = prepare_drawing(ink, shape)
    assert prepared.picture.shape == shape
    assert prepared.picture.dtype == np.uint8
    assert prepared.picture.any() == (not prepared.empty)
    assert prepared.empty == (not ink.any())


def test_resizing_averages_the_covered_area():
    picture = np.array([[0.0, 3.0, 6.0], [0.0, 3.0, 6.0]])
    np.testing.assert_allclose(resized(picture, 1, 1), [[3.0]])
    np.testing.assert_allclose(resized(picture, 2, 2), [[1.0, 5.0], [1.0, 5.0]])
    np.testing.assert_allclose(resized(picture, 4, 3), picture[[0, 0, 1, 1]])


PICTURE = np.arange(1, 10, dtype=np.uint8).reshape(3, 3)


def test_a_shift_moves_whole_pixels_and_fills_with_paper():
    np.testing.assert_array_equal(moved(PICTURE, right=1, down=-1), [[0, 4, 5], [0, 7, 8], [0, 0, 0]])


def test_a_turn_is_clockwise_around_the_middle():
    np.testing.assert_array_equal(moved(PICTURE, turn=90), np.rot90(PICTURE, -1))


def test_strokes_are_dilated_and_eroded():
    dot = np.zeros((5, 5), np.uint8)
    dot[2, 2] = 200
    cross = moved(dot, thicken=1)
    assert cross.sum() == 5 * 200
    np.testing.assert_array_equal(moved(cross, thicken=-1), dot)


def test_the_identity_transform_keeps_the_picture():
    np.testing.assert_array_equal(moved(PICTURE), PICTURE)
