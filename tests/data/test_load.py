"""Properties of every data set that needs no files, and randomness and refusals of `load`."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest

import data
from data import DATASETS, FEATURES, load

BUNDLED = [name for name, source in DATASETS.items() if source.find is None]
TOYS = [name for name in BUNDLED if DATASETS[name].plane]
REAL = [name for name in BUNDLED if name not in TOYS]
IMAGES = [name for name in BUNDLED if DATASETS[name].image_shape]
CLASSIFICATION = [name for name in BUNDLED if DATASETS[name].kind == "classification"]
REGRESSION = [name for name in BUNDLED if name not in CLASSIFICATION]


def rng(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


def arrays(dataset: data.Dataset) -> dict[str, np.ndarray]:
    values = {field.name: getattr(dataset, field.name) for field in fields(dataset)}
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


def points(dataset: data.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """A toy's points of the training part and of the test part."""
    assert dataset.points_train is not None
    assert dataset.points_test is not None
    return dataset.points_train, dataset.points_test


def in_one_order(parts: tuple[np.ndarray, np.ndarray]) -> list[list[float]]:
    """The rows of both parts together, sorted."""
    return sorted(np.concatenate(parts).tolist())


@pytest.mark.parametrize("name", BUNDLED)
def test_every_data_set_keeps_the_contract(name):
    source, d = DATASETS[name], load(name, rng=rng())
    inputs = len(d.feature_names)
    assert (d.name, d.kind, d.class_names, d.classes) == (name, source.kind, source.class_names, source.classes)
    assert source.sentence.endswith(".")
    assert len(d.x_train) + len(d.x_test) == source.samples
    assert len(d.x_train) == round(0.75 * source.samples)
    for x, y in ((d.x_train, d.y_train), (d.x_test, d.y_test)):
        assert x.shape == (len(y), inputs)
        assert y.shape == (len(x),)
        assert x.dtype == np.float32
        assert np.isfinite(x).all()
    assert source.available()
    assert d.x_mean.shape == d.x_scale.shape == (inputs,)
    assert (d.x_scale > 0).all()
    assert (d.points_train is None) == (d.points_test is None) == (d.encode is None) == (d.extent is None)
    assert (d.encode is not None) == source.plane
    assert d.image_shape == source.image_shape
    assert source.plane or source.inputs == inputs
    assert (d.images_test is not None) == (source.image_shape is not None)
    assert name in repr(d)


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_class_numbers_are_stratified_in_both_parts(name):
    d = load(name, rng=rng())
    counts = [np.bincount(y, minlength=d.classes) for y in (d.y_train, d.y_test)]
    assert d.y_train.dtype == d.y_test.dtype == np.int64
    assert [len(c) for c in counts] == [d.classes, d.classes]
    whole = counts[0] + counts[1]
    assert np.abs(counts[0] - whole * len(d.y_train) / whole.sum()).max() <= 1
    assert (d.y_mean, d.y_scale) == (0.0, 1.0)


@pytest.mark.parametrize("name", REGRESSION)
def test_targets_are_standardized_and_convert_back(name):
    d = load(name, rng=rng())
    assert d.y_train.dtype == d.y_test.dtype == np.float32
    assert d.y_train.mean(dtype=np.float64) == pytest.approx(0, abs=1e-6)
    assert d.y_train.std(dtype=np.float64) == pytest.approx(1, abs=1e-6)
    assert d.y_test.mean(dtype=np.float64) != pytest.approx(0, abs=1e-6)
    units = d.to_units(d.y_train.astype(np.float64))
    assert units.mean() == pytest.approx(d.y_mean, abs=1e-4 * d.y_scale)
    assert units.std() == pytest.approx(d.y_scale, rel=1e-5)
    assert d.classes == 0


@pytest.mark.parametrize("name", [name for name in BUNDLED if name not in IMAGES])
def test_inputs_are_standardized_on_the_training_part_only(name):
    d = load(name, features=tuple(FEATURES), rng=rng())
    varying = np.ptp(d.x_train, axis=0) > 0
    np.testing.assert_allclose(d.x_train.mean(axis=0, dtype=np.float64), 0, atol=1e-6)
    np.testing.assert_allclose(d.x_train.std(axis=0, dtype=np.float64), varying, atol=1e-6)
    np.testing.assert_array_equal(d.x_scale[~varying], 1)
    assert np.abs(d.x_test.mean(axis=0, dtype=np.float64)).max() > 1e-3


@pytest.mark.parametrize("name", IMAGES)
def test_pictures_are_standardized_on_the_training_part(name):
    d = load(name, rng=rng())
    assert d.x_train.mean(dtype=np.float64) == pytest.approx(0, abs=1e-6)
    assert d.x_train.std(dtype=np.float64) == pytest.approx(1, abs=1e-6)
    assert np.unique(d.x_mean).size == np.unique(d.x_scale).size == 1
    assert abs(d.x_test.mean(dtype=np.float64)) > 1e-4


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_the_seed_determines_the_arrays(name, noise):
    first, again, other = (arrays(load(name, noise=noise, rng=rng(seed))) for seed in (1, 1, 2))
    assert first.keys() == again.keys()
    for key, value in first.items():
        np.testing.assert_array_equal(value, again[key], err_msg=key, strict=True)
    assert not np.array_equal(first["x_train"], other["x_train"])


@pytest.mark.parametrize("name", BUNDLED)
def test_a_data_set_cannot_be_written_to(name):
    d = load(name, rng=rng())
    for key, value in arrays(d).items():
        assert not value.flags.writeable, key
    with pytest.raises(FrozenInstanceError):
        d.name = "other"


@pytest.mark.parametrize("name", REAL)
def test_a_real_set_is_read_once_and_shared_read_only(name):
    raw = DATASETS[name].make()
    assert raw is DATASETS[name].make()
    assert not any(array.flags.writeable for array in (raw.x, raw.y, raw.group))


@pytest.mark.parametrize("name", BUNDLED)
def test_a_larger_share_only_adds_to_the_training_part(name):
    small, large = (load(name, noise=0.2, train_share=share, rng=rng()) for share in (0.3, 0.6))
    kept = len(small.x_train)
    assert kept < len(large.x_train)
    if DATASETS[name].plane:
        np.testing.assert_array_equal(points(small)[0], points(large)[0][:kept])
        assert in_one_order(points(small)) == in_one_order(points(large))
    if small.kind == "classification":
        np.testing.assert_array_equal(small.y_train, large.y_train[:kept])
    else:
        units = large.to_units(large.y_train)[:kept]
        np.testing.assert_allclose(small.to_units(small.y_train), units, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", TOYS)
def test_other_features_change_neither_points_nor_split(name):
    one, two = (load(name, noise=0.2, features=f, rng=rng()) for f in (("x1", "x2"), ("sin_x2", "x1*x2", "x1^2")))
    assert (one.feature_names, two.feature_names) == (("x1", "x2"), ("sin_x2", "x1*x2", "x1^2"))
    for key in ("points_train", "points_test", "y_train", "y_test"):
        np.testing.assert_array_equal(getattr(one, key), getattr(two, key))


@pytest.mark.parametrize("name", ["circle", "xor", "plane", "hills"])
def test_label_noise_of_toys_keeps_points_and_split(name):
    clean, noisy = (load(name, noise=noise, rng=rng()) for noise in (0.0, 0.5))
    np.testing.assert_array_equal(clean.points_train, noisy.points_train)
    np.testing.assert_array_equal(clean.points_test, noisy.points_test)
    assert not np.array_equal(clean.to_units(clean.y_train), noisy.to_units(noisy.y_train))


@pytest.mark.parametrize("name", ["spiral", "spiral3", "moons"])
def test_position_noise_scales_with_its_level(name):
    clean, some, more = (load(name, noise=noise, rng=rng()) for noise in (0.0, 0.2, 0.4))
    np.testing.assert_array_equal(clean.y_train, more.y_train)
    for at_0, at_20, at_40 in zip(points(clean), points(some), points(more), strict=True):
        np.testing.assert_allclose(at_40 - at_0, 2 * (at_20 - at_0), atol=1e-5)
        assert np.abs(at_40 - at_0).max() > 0.3


def test_noise_scales_the_two_clouds():
    clean, noisy = (load("gauss", noise=noise, rng=rng()) for noise in (0.0, 0.5))
    np.testing.assert_array_equal(clean.y_train, noisy.y_train)
    center = np.where(clean.y_train == 1, 2.0, -2.0)[:, None]
    np.testing.assert_allclose(noisy.points_train - center, np.sqrt(4 / 0.5) * (clean.points_train - center), atol=1e-5)


@pytest.mark.parametrize("name", REAL)
def test_noise_on_a_real_set_is_in_standard_deviations(name):
    clean, some, more = (load(name, noise=noise, rng=rng()) for noise in (0.0, 0.25, 0.5))
    for key in ("y_train", "y_test", "x_mean", "x_scale"):
        np.testing.assert_array_equal(getattr(clean, key), getattr(more, key))
    np.testing.assert_allclose(more.x_test - clean.x_test, 2 * (some.x_test - clean.x_test), atol=1e-4)
    assert (more.x_train - clean.x_train).std() == pytest.approx(0.5, rel=0.15)


@pytest.mark.parametrize("name", REAL)
def test_fewer_samples_are_a_random_choice_of_a_real_set(name):
    one, two = (load(name, samples=60, rng=rng(seed)) for seed in (1, 2))
    everything = DATASETS[name].make().x.astype(np.float64)
    assert len(one.x_train) + len(one.x_test) == 60
    raw = one.x_train * one.x_scale + one.x_mean
    spread = np.where(np.ptp(everything, axis=0) > 0, everything.std(axis=0), 1)
    nearest = [np.abs((everything - row) / spread).max(axis=1).min() for row in raw]
    assert max(nearest) < 1e-5
    assert not np.array_equal(one.x_train, two.x_train)


@pytest.mark.parametrize("name", REAL)
def test_too_many_samples_give_the_whole_real_set(name):
    d = load(name, samples=5000, rng=rng())
    assert len(d.x_train) + len(d.x_test) == DATASETS[name].samples


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("train_share", [0.1, 0.9])
def test_the_minimum_of_samples_fills_both_parts(name, train_share):
    d = load(name, samples=10, train_share=train_share, rng=rng())
    assert len(d.x_train) + len(d.x_test) == 10
    assert min(len(d.x_train), len(d.x_test)) >= 1
    assert np.isfinite(d.x_test).all()


def test_samples_may_be_a_numpy_integer():
    d = load("circle", samples=np.int64(20), rng=rng())
    assert len(d.x_train) + len(d.x_test) == 20


def test_a_second_call_with_one_generator_draws_anew():
    generator = rng()
    first, second = (load("circle", rng=generator) for _ in range(2))
    assert not np.array_equal(first.x_train, second.x_train)


@pytest.mark.parametrize("name", TOYS)
def test_encoding_the_points_gives_exactly_the_inputs(name):
    d = load(name, noise=0.1, features=tuple(FEATURES), rng=rng())
    assert d.encode is not None
    for part, x in zip(points(d), (d.x_train, d.x_test), strict=True):
        np.testing.assert_array_equal(d.encode(part), x, strict=True)


def test_a_toy_can_be_sent_to_another_process():
    d = load("spiral", rng=rng())
    twin = pickle.loads(pickle.dumps(d))
    np.testing.assert_array_equal(twin.encode(d.points_test), d.x_test)


def test_no_data_set_imports_scikit_learn():
    code = "import sys, data; data.preload(); print('sklearn' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=data.__path__[0] + "/.."
    )
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({"name": "circles"}, "circle, xor"),
        ({"samples": 9}, "10 to 100000"),
        ({"samples": 100_001}, "10 to 100000"),
        ({"samples": -10}, "10 to 100000"),
        ({"samples": 50.5}, "10 to 100000"),
        ({"noise": -0.01}, "0 to 0.5"),
        ({"noise": 0.51}, "0 to 0.5"),
        ({"noise": float("nan")}, "0 to 0.5"),
        ({"train_share": 0.09}, "0.1 to 0.9"),
        ({"train_share": 1.0}, "0.1 to 0.9"),
        ({"train_share": float("nan")}, "0.1 to 0.9"),
        ({"features": ()}, "x1, x2, x1^2"),
        ({"features": ("x1", "x3")}, "x1, x2, x1^2"),
        ({"features": ("x1", "x1")}, "x1, x2, x1^2"),
    ],
)
def test_values_out_of_range_are_refused(change, allowed):
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$") as refusal:
        load(**{"name": "xor", "rng": rng(), **change})
    assert allowed in str(refusal.value)


@pytest.mark.parametrize("name", REAL)
def test_a_real_set_ignores_plane_features(name):
    d = load(name, features=(), rng=rng())
    np.testing.assert_array_equal(d.x_train, load(name, rng=rng()).x_train)


def holds(many: data.Dataset, few: data.Dataset, part: str) -> bool:
    """Whether every example of a part of `few` is in the same part of `many`."""
    rows = [d.part("x", part) * d.x_scale + d.x_mean if d.encode is None else d.part("points", part)
            for d in (few, many)]  # fmt: skip
    size = np.maximum(np.abs(rows[1]).max(axis=0), 1 if many.encode else many.x_scale)
    return bool((np.abs(rows[0][:, None] - rows[1]) <= 1e-5 * size).all(axis=2).any(axis=1).all())


@pytest.mark.parametrize("corruption", [{}, {"noise": 0.2}, {"balance": 0.3, "outliers": 0.2}])
@pytest.mark.parametrize("name", BUNDLED)
def test_more_samples_keep_those_that_there_were(name, corruption):
    if "balance" in corruption and name not in data.BALANCED:
        corruption = {}
    sizes = (60, 300, 700) if DATASETS[name].plane else (60, 140)
    few, *more = (load(name, samples=size, rng=rng(), **corruption) for size in sizes)
    for many in more:
        assert len(many.y_train) > len(few.y_train) or name == "drawn"
        for part in ("train", "test"):
            if corruption.get("noise") and not DATASETS[name].plane:  # in deviations of the training part, which differ
                assert len(few.part("y", part)) <= len(many.part("y", part))
            else:
                assert holds(many, few, part)
        few = many


def test_the_noise_of_a_row_does_not_depend_on_the_number_of_samples():
    few, many = (load("digits", samples=size, noise=0.5, scaling="unit", rng=rng()) for size in (300, 1797))
    plain = [load("digits", samples=size, scaling="unit", rng=rng()) for size in (300, 1797)]
    kept = len(few.y_test)
    noise = [noisy.x_test[-kept:] - clean.x_test[-kept:] for noisy, clean in zip((few, many), plain, strict=True)]
    assert np.abs(noise[1]).max() > 0.5
    np.testing.assert_allclose(noise[0], noise[1], rtol=0.05, atol=1e-3)


@pytest.mark.parametrize("name", BUNDLED)
def test_a_validation_part_is_dealt_from_the_training_part(name):
    whole, dealt, more = (load(name, noise=0.2, validation_share=share, rng=rng()) for share in (0.0, 0.2, 0.4))
    assert whole.parts == ("train", "test")
    assert dealt.parts == ("train", "validation", "test")
    assert len(dealt.y_validation) == round(0.2 * len(whole.y_train))
    for few, many in ((whole, dealt), (dealt, more)):
        kept = len(many.y_train)
        same = few.y_train[:kept], few.y_test
        if whole.classes:
            np.testing.assert_array_equal(many.y_train, same[0])
            np.testing.assert_array_equal(many.y_test, same[1])
            together = np.concatenate([many.y_train, many.y_validation])
            np.testing.assert_array_equal(together, np.concatenate([few.y_train, few.y_validation]))
        if many.points_train is not None:
            np.testing.assert_array_equal(many.points_train, few.points_train[:kept])
            np.testing.assert_array_equal(many.points_test, few.points_test)
    if dealt.encode:
        np.testing.assert_allclose(dealt.x_train.mean(axis=0), 0, atol=1e-5)


@pytest.mark.parametrize("share", [-0.1, 0.6, float("nan")])
def test_a_validation_share_outside_its_range_is_refused(share):
    with pytest.raises(ValueError, match=r"validation_share is .*choose a number from 0 to 0\.5"):
        load("circle", validation_share=share, rng=rng())
