"""Small pictures, one input per pixel: digits bundled with scikit-learn, and larger sets read from files."""

from __future__ import annotations

from functools import cache, partial

import numpy as np

from data.dataset import Raw, Source
from data.sources import bundled, idx, kaggle


@cache
def digits() -> Raw:
    """1797 handwritten digits of 8 by 8 pixels (0..255), read once per process and shared read-only."""
    table = bundled.read("digits.csv.gz")
    ink, y = table[:, :-1], table[:, -1].astype(np.int64)  # ink is 0 to 16
    x = np.rint(ink * (255 / 16)).astype(np.uint8)
    x.setflags(write=False)
    y.setflags(write=False)
    return Raw(x, y, y, tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8)))


def _in_files(name: str, label: str, class_names: tuple[str, ...], sentence: str) -> Source:
    return Source(
        name,
        label,
        "classification",
        sentence,
        samples=70_000,
        inputs=784,
        make=partial(idx.make, name),
        class_names=class_names,
        image_shape=idx.PICTURE,
        find=partial(idx.find, name),
    )


IMAGES = (
    Source(
        "digits",
        "Handwritten digits",
        "classification",
        "Ten handwritten digits in 8 by 8 pixels; look at the pictures that are predicted wrongly.",
        samples=1797,
        inputs=64,
        make=digits,
        class_names=tuple("0123456789"),
        image_shape=(8, 8),
    ),
    _in_files(
        "mnist",
        "MNIST",
        tuple("0123456789"),
        "Handwritten digits in 28 by 28 pixels; the fixed test part has 10,000 digits by other writers.",
    ),
    _in_files(
        "fashion_mnist",
        "Fashion-MNIST",
        ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"),
        "Clothes in 28 by 28 pixels with a fixed test part of 10,000; see what shirts are confused with.",
    ),
    Source(
        kaggle.NAME,
        "Kaggle MNIST",
        "classification",
        "The 42,000 digits of Kaggle's Digit Recognizer, from train.csv; the training share splits them.",
        samples=42_000,
        inputs=784,
        make=kaggle.make,
        class_names=tuple("0123456789"),
        image_shape=idx.PICTURE,
        find=kaggle.find,
    ),
)
