"""The bundled tables: known sizes, names and units, so that a change in the library is noticed."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import datasets

from data import DATASETS, load


@pytest.mark.parametrize(
    ("name", "inputs", "counts"),
    [
        ("iris", 4, [50, 50, 50]),
        ("wine", 13, [59, 71, 48]),
        ("breast_cancer", 30, [212, 357]),
    ],
)
def test_a_table_has_the_known_classes(name, inputs, counts):
    raw = DATASETS[name].make()
    assert raw.x.shape == (sum(counts), inputs)
    assert len(raw.feature_names) == inputs
    assert np.bincount(raw.y).tolist() == counts
    assert DATASETS[name].samples == sum(counts)
    assert DATASETS[name].classes == len(counts)


def test_diabetes_comes_in_its_own_units():
    raw = DATASETS["diabetes"].make()
    assert raw.x.shape == (442, 10)
    age = raw.x[:, raw.feature_names.index("age")]
    assert (age.min(), age.max()) == (19, 79)
    assert (raw.y.min(), raw.y.max()) == (25, 346)


def test_diabetes_targets_convert_back_to_whole_numbers():
    d = load("diabetes", rng=np.random.default_rng(0))
    units = np.concatenate([d.to_units(d.y_train), d.to_units(d.y_test)])
    np.testing.assert_allclose(np.sort(units), np.sort(DATASETS["diabetes"].make().y), atol=1e-3)


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_tables_equal_those_of_scikit_learn(name):
    options = {"scaled": False} if name == "diabetes" else {}
    bunch, raw = getattr(datasets, f"load_{name}")(**options), DATASETS[name].make()
    np.testing.assert_array_equal(raw.x, bunch.data)
    np.testing.assert_array_equal(raw.y, bunch.target)
    assert raw.feature_names == tuple(bunch.feature_names)
    assert not any(array.flags.writeable for array in (raw.x, raw.y, raw.group))


def test_digits_equal_those_of_scikit_learn_in_256_shades():
    ink, label = datasets.load_digits(return_X_y=True)
    raw = DATASETS["digits"].make()
    np.testing.assert_array_equal(raw.x, np.rint(ink * (255 / 16)))
    np.testing.assert_array_equal(raw.y, label)


def test_class_names_are_in_the_order_of_scikit_learn():
    for name in ("iris", "breast_cancer"):
        bunch = getattr(datasets, f"load_{name}")()
        assert DATASETS[name].class_names == tuple(bunch.target_names)
