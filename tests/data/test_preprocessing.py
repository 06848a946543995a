"""The steps of preprocessing: split, statistics, gaps and standardization."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.preprocessing import deal_validation, pixel_statistics, split, standardize, statistics, stratified_order

groups = st.lists(st.integers(0, 4), min_size=2, max_size=60).map(np.array)
shares = st.floats(0.1, 0.9)
seeds = st.integers(0, 1000)


@given(groups, shares, seeds)
def test_a_split_uses_each_example_once_and_fills_both_parts(group, share, seed):
    train, test = split(group, share, np.random.default_rng(seed))
    assert sorted([*train, *test]) == list(range(len(group)))
    assert len(train) >= 1
    assert len(test) >= 1


@given(groups, shares, seeds)
def test_each_group_of_two_or_more_is_in_both_parts(group, share, seed):
    train, test = split(group, share, np.random.default_rng(seed))
    values, counts = np.unique(group, return_counts=True)
    for value in values[counts > 1]:
        assert value in group[train]
        assert value in group[test]


@given(groups, seeds, st.floats(0.1, 0.9), st.floats(0.1, 0.9))
def test_smaller_training_parts_are_prefixes_of_larger_ones(group, seed, one, two):
    small, large = (split(group, share, np.random.default_rng(seed))[0] for share in sorted((one, two)))
    np.testing.assert_array_equal(small, large[: len(small)])


@given(st.integers(10, 200), shares, seeds)
def test_equal_groups_are_split_equally_and_exactly(size, share, seed):
    group = np.arange(2 * size) % 2
    train, _ = split(group, share, np.random.default_rng(seed))
    assert len(train) == np.rint(2 * size * share)
    assert abs(2 * group[train].sum() - len(train)) <= 2


def test_a_stratified_order_depends_on_the_generator():
    group = np.zeros(50, dtype=int)
    first, second = (stratified_order(group, np.random.default_rng(seed)) for seed in (0, 1))
    assert not np.array_equal(first, second)


def test_statistics_are_those_worked_out_by_hand():
    mean, scale = statistics(np.array([[1.0, 0.1], [3.0, 0.1], [8.0, 0.1]]))
    np.testing.assert_allclose(mean, [4.0, 0.1])
    np.testing.assert_allclose(scale, [np.sqrt(26 / 3), 1.0])


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9 / 3])
def test_a_constant_column_is_divided_by_one(constant):
    values = np.full((37, 1), constant)
    mean, scale = statistics(values)
    assert scale == [1.0]
    np.testing.assert_allclose(standardize(values, mean, scale), 0, atol=1e-6)


def test_standardizing_subtracts_before_rounding_to_float32():
    assert standardize(np.array([1e8 + 1]), 1e8, 1.0) == [1.0]


def test_pixel_statistics_have_their_hand_computed_values():
    pixels = np.array([[0, 30], [200, 200], [0, 90]], dtype=np.uint8)
    mean, scale = pixel_statistics(pixels, np.array([0, 2]))
    np.testing.assert_allclose(mean, [30.0, 30.0])
    np.testing.assert_allclose(scale, [np.sqrt(1350)] * 2)


def test_pixel_statistics_count_the_rows_of_every_piece():
    pixels = np.random.default_rng(3).integers(0, 256, (3000, 5), dtype=np.uint8)
    rows = np.arange(2, 3000)
    mean, scale = pixel_statistics(pixels, rows)
    np.testing.assert_allclose(mean, pixels[rows].mean())
    np.testing.assert_allclose(scale, pixels[rows].std())


def test_pictures_of_one_gray_are_divided_by_one():
    mean, scale = pixel_statistics(np.full((4, 3), 7, dtype=np.uint8), np.arange(4))
    np.testing.assert_array_equal((mean, scale), [[7.0] * 3, [1.0] * 3])


@given(groups, st.floats(0.1, 0.9), seeds, st.data())
def test_more_samples_move_no_row_from_one_part_to_the_other(group, share, seed, data):
    few, many = sorted(data.draw(st.lists(st.integers(2, len(group)), min_size=2, max_size=2)))
    small, large = (split(group, share, np.random.default_rng(seed), samples) for samples in (few, many))
    assert [len(small[0]) + len(small[1]), len(large[0]) + len(large[1])] == [few, many]
    for fewer, more in zip(small, large, strict=True):
        assert set(fewer) <= set(more)


@given(groups, st.floats(0, 0.5), seeds)
def test_the_validation_part_is_a_stratified_share_of_the_training_part(group, share, seed):
    train, test = split(group, 0.75, np.random.default_rng(seed))
    parts = deal_validation(train, test, share, group)
    np.testing.assert_array_equal(np.concatenate(parts[:2]), train)
    np.testing.assert_array_equal(parts.test, test)
    for value in np.unique(group[train]):
        of_train, dealt = (np.count_nonzero(group[rows] == value) for rows in (train, parts.validation))
        assert abs(dealt - len(parts.validation) / len(train) * of_train) <= 2
    if share:
        assert len(parts.train) >= len(np.unique(group[train]))
        assert len(parts.validation) <= max(1, np.rint(share * len(train)))
    else:
        assert len(parts.validation) == 0
