"""The handwritten digits: the displayed pictures are the inputs of the network."""

from __future__ import annotations

import numpy as np

from data import DATASETS, load


def test_the_digits_have_the_known_size():
    raw = DATASETS["digits"].make()
    assert raw.x.shape == (1797, 64)
    assert np.bincount(raw.y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (raw.x.min(), raw.x.max()) == (0, 255)
    assert raw.feature_names[9] == "pixel_1_1"


def test_test_pictures_are_the_test_inputs():
    d = load("digits", rng=np.random.default_rng(5))
    assert d.images_test is not None
    assert d.images_test.shape == (len(d.x_test), 8, 8)
    assert d.images_test.dtype == np.uint8
    np.testing.assert_allclose((d.images_test.reshape(-1, 64) - d.x_mean) / d.x_scale, d.x_test, rtol=1e-5, atol=1e-5)


def test_test_pictures_show_the_noise_of_the_inputs():
    clean, noisy = (load("digits", noise=noise, rng=np.random.default_rng(5)) for noise in (0.0, 0.3))
    assert clean.images_test is not None
    assert noisy.images_test is not None
    assert not np.array_equal(clean.images_test, noisy.images_test)
    shown = (noisy.images_test.reshape(-1, 64) - noisy.x_mean) / noisy.x_scale
    within = (noisy.images_test > 0).reshape(-1, 64) & (noisy.images_test < 255).reshape(-1, 64)
    half_a_gray = 0.5 / np.broadcast_to(noisy.x_scale, shown.shape)[within]
    assert (np.abs(shown - noisy.x_test)[within] <= half_a_gray + 1e-4).all()


def test_a_digit_keeps_its_label_on_the_way():
    raw = DATASETS["digits"].make()
    label_of = {row.tobytes(): label for row, label in zip(raw.x, raw.y, strict=True)}
    d = load("digits", samples=300, rng=np.random.default_rng(5))
    assert d.images_test is not None
    assert [label_of[image.tobytes()] for image in d.images_test] == d.y_test.tolist()
