"""Sets of pictures in files: search, reading and refusals. Each test writes its own small IDX files."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

import data
from data import DATASETS, load
from data.sources import idx

pytestmark = pytest.mark.usefixtures("cache_folder")
TRAIN, TEST = 300, 40
SETS = ("mnist", "fashion_mnist")
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def rng(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


def packed(values: np.ndarray) -> bytes:
    """An array as the bytes of an IDX file."""
    return header(*values.shape) + values.astype(np.uint8).tobytes()


def header(*shape: int) -> bytes:
    return struct.pack(f">4B{len(shape)}I", 0, 0, 8, len(shape), *shape)


def examples(seed: int = 0) -> dict[str, np.ndarray]:
    """Pictures (N, 28, 28) mostly black, and labels (N,) of ten unequal classes, by file name."""
    draw, values = rng(seed), {}
    for part, count in (("train", TRAIN), ("t10k", TEST)):
        ink = draw.integers(0, 256, (count, 28, 28)) * (draw.random((count, 28, 28)) < 0.2)
        label = np.minimum(draw.integers(0, 14, count), 9)
        values[f"{part}-images-idx3-ubyte"] = ink.astype(np.uint8)
        values[f"{part}-labels-idx1-ubyte"] = label.astype(np.uint8)
    return values


def write(folder: Path, seed: int = 0) -> Path:
    """The four files of a small set, plain."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in examples(seed).items():
        (folder / name).write_bytes(packed(values))
    return folder


# The data set -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SETS)
def test_a_set_in_files_keeps_the_contract(name, tmp_path):
    source, d = DATASETS[name], load(name, rng=rng(), data_dir=write(tmp_path / name))
    assert (d.name, d.kind, d.class_names, d.classes) == (name, "classification", source.class_names, 10)
    assert (source.samples, source.inputs, source.image_shape, d.image_shape) == (70_000, 784, (28, 28), (28, 28))
    assert d.x_train.shape == (TRAIN, 784)
    assert d.x_test.shape == (TEST, 784)
    assert d.x_train.dtype == d.x_test.dtype == np.float32
    assert d.y_train.dtype == d.y_test.dtype == np.int64
    assert d.x_mean.shape == d.x_scale.shape == (784,)
    assert d.feature_names[29] == "pixel_1_1"
    assert len(d.feature_names) == 784
    assert not any(array.flags.writeable for array in (d.x_train, d.y_train, d.x_test, d.y_test, d.images_test))


def test_the_test_part_keeps_the_order_of_its_files(tmp_path):
    files = examples()
    for settings in ({}, {"samples": 50, "train_share": 0.2}, {"train_share": 0.9}):
        d = load("mnist", rng=rng(), data_dir=write(tmp_path), **settings)
        np.testing.assert_array_equal(d.images_test, files["t10k-images-idx3-ubyte"])
        np.testing.assert_array_equal(d.y_test, files["t10k-labels-idx1-ubyte"])


def test_the_training_share_decides_nothing(tmp_path):
    one, two = (load("mnist", rng=rng(), train_share=share, data_dir=write(tmp_path)) for share in (0.1, 0.9))
    np.testing.assert_array_equal(one.x_train, two.x_train)


def test_every_training_picture_keeps_its_label(tmp_path):
    files, d = examples(), load("mnist", rng=rng(), data_dir=write(tmp_path))
    pictures = np.rint(d.x_train * d.x_scale + d.x_mean).astype(np.uint8)
    kept, given = (
        sorted((x.tobytes(), int(label)) for x, label in zip(*pairs, strict=True))
        for pairs in ((pictures, d.y_train), (files[IMAGES], files[LABELS]))
    )
    assert kept == given


def test_fewer_samples_are_a_stratified_choice_of_the_training_part(tmp_path):
    counts = np.bincount(examples()[LABELS], minlength=10)
    one, two = (load("mnist", samples=100, rng=rng(seed), data_dir=write(tmp_path)) for seed in (1, 2))
    assert len(one.x_train) == 100
    assert np.abs(np.bincount(one.y_train, minlength=10) - counts / 3).max() <= 1
    assert not np.array_equal(one.x_train, two.x_train)


def test_a_validation_part_leaves_the_test_part_of_files_alone(tmp_path):
    whole, dealt = (
        load("mnist", samples=100, validation_share=share, rng=rng(), data_dir=write(tmp_path)) for share in (0, 0.2)
    )
    assert (len(dealt.x_train), len(dealt.x_validation)) == (80, 20)
    np.testing.assert_array_equal(np.concatenate([dealt.y_train, dealt.y_validation]), whole.y_train)
    np.testing.assert_array_equal(dealt.images_test, whole.images_test)
    assert dealt.x_train.mean(dtype=np.float64) == pytest.approx(0, abs=1e-6)  # of the 80 alone


def test_pictures_are_standardized_with_one_mean_and_deviation(tmp_path):
    d, ink = load("mnist", rng=rng(), data_dir=write(tmp_path)), examples()[IMAGES]
    np.testing.assert_allclose(d.x_mean, ink.mean())
    np.testing.assert_allclose(d.x_scale, ink.std())
    assert d.x_train.mean(dtype=np.float64) == pytest.approx(0, abs=1e-6)
    assert d.x_train.std(dtype=np.float64) == pytest.approx(1, abs=1e-6)


def test_noise_changes_pictures_but_no_statistics_or_labels(tmp_path):
    clean, noisy = (load("mnist", noise=noise, rng=rng(), data_dir=write(tmp_path)) for noise in (0.0, 0.4))
    for key in ("y_train", "y_test", "x_mean", "x_scale"):
        np.testing.assert_array_equal(getattr(clean, key), getattr(noisy, key))
    assert (noisy.x_train - clean.x_train).std() == pytest.approx(0.4, rel=0.02)
    assert not np.array_equal(clean.images_test, noisy.images_test)


def test_the_same_seed_gives_the_same_arrays(tmp_path):
    one, two = (load("mnist", samples=60, noise=0.2, rng=rng(), data_dir=write(tmp_path)) for _ in range(2))
    np.testing.assert_array_equal(one.x_train, two.x_train)
    np.testing.assert_array_equal(one.x_test, two.x_test)


def test_a_folder_is_read_once_and_shared_read_only(tmp_path):
    one, other = write(tmp_path / "one"), write(tmp_path / "other", seed=1)
    raw = DATASETS["mnist"].make(one)
    assert raw is DATASETS["mnist"].make(one / ".." / "one")
    assert raw is not DATASETS["mnist"].make(other)
    assert raw.x.dtype == np.uint8
    assert not any(array.flags.writeable for array in (raw.x, raw.y, raw.group))


def test_preloading_reads_no_files(tmp_path, monkeypatch):
    monkeypatch.setenv("BACKPROP_DATA", str(write(tmp_path)))
    idx._read_folder.cache_clear()
    data.preload()
    assert idx._read_folder.cache_info().misses == 0


# Where the files are looked for -----------------------------------------------------------------------------------


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("dotted", [False, True])
def test_files_may_be_gzipped_or_named_with_a_dot(zipped, dotted, tmp_path):
    plain = load("mnist", rng=rng(), data_dir=write(tmp_path / "plain"))
    (tmp_path / "other").mkdir()
    for name, values in examples().items():
        content = gzip.compress(packed(values)) if zipped else packed(values)
        path = tmp_path / "other" / ((name.replace("-idx", ".idx") if dotted else name) + (".gz" if zipped else ""))
        path.write_bytes(content)
    np.testing.assert_array_equal(load("mnist", rng=rng(), data_dir=tmp_path / "other").x_train, plain.x_train)


def test_gzip_is_detected_from_the_first_bytes(tmp_path):
    path = tmp_path / LABELS
    path.write_bytes(gzip.compress(packed(np.arange(10))))
    np.testing.assert_array_equal(idx.read_idx(path, ()), np.arange(10))


@pytest.mark.parametrize("name", SETS)
def test_the_given_folder_precedes_environment_and_cache(name, tmp_path, monkeypatch, cache_folder):
    monkeypatch.setenv("BACKPROP_DATA", str(tmp_path / "environment"))
    places = [
        cache_folder,
        cache_folder / name,
        tmp_path / "environment",
        tmp_path / "environment" / name,
        tmp_path / "given",
        tmp_path / "given" / name,
    ]
    assert not DATASETS[name].available(tmp_path / "given")
    for place in places:
        write(place)
        assert DATASETS[name].available(tmp_path / "given")
        assert idx.find(name, tmp_path / "given") == place


def test_a_folder_named_after_another_set_is_ignored(tmp_path, monkeypatch):
    folder = write(tmp_path / "mnist")
    monkeypatch.chdir(folder)
    for data_dir in (folder, tmp_path, Path(".")):
        assert DATASETS["mnist"].available(data_dir)
        assert not DATASETS["fashion_mnist"].available(data_dir)


@pytest.mark.parametrize("missing", idx.FILES)
def test_a_missing_file_is_reported_with_the_searched_folders(missing, tmp_path):
    (write(tmp_path) / missing).unlink()
    assert not DATASETS["mnist"].available(tmp_path)
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$") as refusal:
        load("mnist", rng=rng(), data_dir=tmp_path)
    assert all(name in str(refusal.value) for name in idx.FILES)
    assert "--data-dir" in str(refusal.value)
    assert str(tmp_path) not in str(
        refusal.value
    )  # visitors can cause this error, so it must not name folders of the server


# What is refused --------------------------------------------------------------------------------------------------

PICTURES = packed(examples()["train-images-idx3-ubyte"])
ZIPPED = gzip.compress(PICTURES)
NUMBERS = packed(examples()["train-labels-idx1-ubyte"])


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        (IMAGES, b"", "is not an IDX file"),
        (IMAGES, b"\0\0\x08", "is not an IDX file"),
        (IMAGES, b"<!DOCTYPE html>", "is not an IDX file"),
        (IMAGES, NUMBERS, "is not an IDX file of bytes in 3 dimensions"),
        (LABELS, PICTURES, "is not an IDX file of bytes in 1 dimensions"),
        (IMAGES, PICTURES[:2] + b"\x0d" + PICTURES[3:], "is not an IDX file"),
        (IMAGES, PICTURES[:9], "is incomplete"),
        (IMAGES, PICTURES[:-1], "is incomplete"),
        (IMAGES, PICTURES[:16], "is incomplete"),
        (IMAGES, PICTURES + b"\0", "has more than"),
        (
            IMAGES,
            header(TRAIN, 28, 27) + PICTURES[16:],
            "gives the shape 300 x 28 x 27: allowed are 1 to 70000 x 28 x 28",
        ),
        (IMAGES, header(0, 28, 28), "allowed are 1 to 70000"),
        (IMAGES, header(70_001, 28, 28), "allowed are 1 to 70000"),
        (IMAGES, header(2**32 - 1, 2**32 - 1, 2**32 - 1), "allowed are 1 to 70000"),
        (LABELS, header(2**32 - 1), "allowed are 1 to 70000"),
        (LABELS, header(TRAIN - 1) + NUMBERS[9:], "has 300 pictures and 299 labels"),
        (LABELS, NUMBERS[:-1] + b"\x0a", "has the label 10"),
        (IMAGES, ZIPPED[:-9], "is incomplete"),
        (IMAGES, ZIPPED[:-8] + b"\0" * 8, "cannot be read"),
        (IMAGES, ZIPPED[:20] + b"\xff" * 200, "cannot be read"),
        (IMAGES, ZIPPED + b"more", "cannot be read"),
        (IMAGES, b"\x1f\x8b\0" + bytes(20), "cannot be read"),
        (IMAGES, b"\x1f\x8b", "is incomplete"),
    ],
    ids=lambda value: value if isinstance(value, str) else len(value),
)
def test_a_broken_file_is_refused(file, content, sentence, tmp_path):
    (write(tmp_path) / file).write_bytes(content)
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$") as refusal:
        load("mnist", rng=rng(), data_dir=tmp_path)
    assert sentence in str(refusal.value)


def test_gzip_decompression_stops_at_the_size_of_the_header(tmp_path, monkeypatch):
    unpacked = 0

    class Counted(gzip.GzipFile):
        def read(self, size=-1):
            nonlocal unpacked
            content = super().read(size)
            unpacked += len(content)
            return content

    monkeypatch.setattr(gzip, "GzipFile", Counted)
    bomb = tmp_path / IMAGES
    bomb.write_bytes(gzip.compress(header(2, 28, 28) + bytes(50_000_000), compresslevel=1))
    with pytest.raises(ValueError, match="has more than the 2 x 28 x 28 bytes"):
        idx.read_idx(bomb, (28, 28))
    assert unpacked == 16 + 2 * 784 + 1
