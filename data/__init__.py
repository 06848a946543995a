"""Where examples come from: toy data in the plane, tables and pictures.

All randomness comes from the generator that the caller passes in. Nothing here knows about networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data.dataset import Dataset, Raw, Source, plane_dataset, table_dataset
from data.files import user_data
from data.plane import EXTENT
from data.scaling import SCALINGS, STANDARD, Scaling
from data.sources import corruption, hand_drawn
from data.sources.features import FEATURES, Feature, check_features
from data.sources.images import IMAGES
from data.sources.tables import TABLES
from data.sources.toy import TOYS

__all__ = [
    "BALANCED", "DATASETS", "FEATURES", "MAX_FOLD", "OWN", "RANGES", "SAMPLES", "SCALINGS", "Dataset", "Feature",
    "Scaling", "Source", "get_source", "has_fold", "load", "preload",
]  # fmt: skip

DATASETS: dict[str, Source] = {source.name: source for source in (*TOYS, hand_drawn.source(), *TABLES, *IMAGES)}
OWN = user_data.NAMES  # the names under which uploaded data is used
SAMPLES = (10, 100_000)  # what `load` takes: the smallest and the largest value
RANGES = {
    "noise": (0, 0.5), "label_noise": (0, 0.5), "outliers": (0, 0.5), "balance": (0.1, 0.9), "train_share": (0.1, 0.9),
    "validation_share": (0, 0.5),
}  # fmt: skip
MAX_FOLD = 9  # of ten
BALANCED = tuple(source.name for source in TOYS if source.classes)  # whose class balance can be changed


def get_source(name: str, points: str = "", own: str = "") -> Source:
    """The source of that name. Raises ValueError for invalid points and for uploaded data that is missing."""
    if name in OWN:
        return user_data.source(own)
    return hand_drawn.source(points) if name == hand_drawn.NAME else DATASETS[name]


def has_fold(fold: int, validation_share: float) -> bool:
    """Whether the training part can be divided into more than `fold` validation parts of this share."""
    return round((fold + 1) * validation_share, 9) <= 1


def load(
    name: str,
    *,
    samples: int = 0,
    noise: float = 0.0,
    train_share: float = 0.75,
    validation_share: float = 0.0,
    fold: int = 0,
    features: Sequence[str] = ("x1", "x2"),
    formula: str = "",
    label_noise: float = 0.0,
    outliers: float = 0.0,
    balance: float = 0.5,
    points: str = "",
    own: str = "",
    scaling: str = STANDARD,
    rng: np.random.Generator,
    data_dir: Path | None = None,
) -> Dataset:
    """Draw or read a data set, split it and standardize it.

    samples: number of examples, 10 to 100000; 0 for the source's default. A real set returns at most all it has. For
        a set with its own test part (MNIST) this counts the training examples; the test part stays whole. A larger
        number only adds examples to the training part (with its validation part) and to the test part.
    noise: 0 to 0.5. In a toy it shifts the points, or the position at which their label is read (its function says
        which), or widens the clouds. A real set gets Gaussian noise with this standard deviation on its standardized
        inputs.
    train_share: 0.1 to 0.9, the share of the examples used for training; ignored for a set with its own test part.
    validation_share: 0 to 0.5, the share of the training part that is dealt as validation part, stratified by class.
        The test part does not depend on it.
    fold: 0 to MAX_FOLD, which of the validation parts that share no example: as many as the share allows.
    features: names from FEATURES, the inputs for a toy; ignored for a real set, which has its own inputs.
    formula: the text of the feature called "formula"; see data.sources.formula.
    label_noise: 0 to 0.5, the share of all labels that are wrong; classification only.
    outliers: 0 to 0.5, the share of the points of a toy that are moved to a random position in the plane.
    balance: 0.1 to 0.9, the share of the first class of a toy with two classes; see data.sources.corruption.
    points: the points of the set "drawn", as data.sources.hand_drawn packs them; empty for a few example points.
    own: the fingerprint of uploaded data, for the names of data.files.user_data.
    scaling: how pixels become inputs, a name of SCALINGS; other data is always standardized.
    rng: spawns one stream each for positions, noise, split and every kind of corruption. With the same seed, changing
        the noise keeps the positions and the split, changing the share keeps the examples (if all of them are used),
        and changing the features keeps both. A second call with the same rng draws a different data set.
    data_dir: the folder that holds the files of a file-based set, itself or in a subfolder; the other folders that are
        searched are those of data.sources.idx.folders.

    Raises ValueError, in a sentence that says what is allowed or which files are missing or broken.
    """
    if name not in DATASETS and name not in OWN:
        raise ValueError(f"Unknown data set {name!r}: choose one of {', '.join(DATASETS)}.")
    if not isinstance(samples, (int, np.integer)) or not (samples == 0 or SAMPLES[0] <= samples <= SAMPLES[1]):
        raise ValueError(
            f"The argument samples is {samples!r}: choose a whole number from {SAMPLES[0]} to {SAMPLES[1]}, or 0."
        )
    given = (noise, label_noise, outliers, balance, train_share, validation_share)
    for (argument, (low, high)), value in zip(RANGES.items(), given, strict=True):
        if not low <= value <= high:
            raise ValueError(f"The argument {argument} is {value!r}: choose a number from {low} to {high}.")
    if not 0 <= fold <= MAX_FOLD or (fold and not has_fold(fold, validation_share)):
        raise ValueError(f"The argument fold is {fold!r}: choose 0, or one that the validation share has room for.")
    source = get_source(name, points, own)
    if scaling not in (SCALINGS if source.image_shape else (STANDARD,)):
        raise ValueError(
            f"The scaling is {scaling!r}: choose one of {', '.join(SCALINGS)}; without pictures {STANDARD}."
        )
    samples = int(samples) or source.samples
    positions_rng, noise_rng, split_rng, balance_rng, outlier_rng, label_rng = rng.spawn(6)
    if label_noise and not source.classes:
        raise ValueError("Label noise is for classification: choose 0 where the targets are numbers.")
    if not source.plane:
        if outliers or balance != 0.5:
            raise ValueError("Outliers and balance are for toy data in the plane: choose 0 outliers and balance 0.5.")
        raw = source.make(data_dir) if source.find else source.make()
        if label_noise:
            raw = corruption.with_wrong_labels(raw, label_noise, source.classes, label_rng)
        return table_dataset(
            source,
            raw,
            samples,
            noise,
            train_share,
            validation_share,
            positions_rng,
            noise_rng,
            split_rng,
            scaling,
            fold,
        )
    check_features(features)
    if balance != 0.5 and name not in BALANCED:
        raise ValueError(f"The balance can be changed for {', '.join(BALANCED)}: choose 0.5 for other data.")

    def block() -> Raw:
        """As many examples as a set has by default: a smaller set is a choice of them, a larger one has more blocks."""
        size = source.samples
        if balance == 0.5:
            raw = source.make(size, noise, positions_rng, noise_rng)
        else:
            raw = corruption.unbalanced(
                source.make, source.classes, balance, size, noise, positions_rng, noise_rng, balance_rng
            )
        if outliers:
            raw = corruption.with_outliers(raw, outliers, EXTENT, outlier_rng)
        if label_noise:
            raw = corruption.with_wrong_labels(raw, label_noise, source.classes, label_rng)
        return raw

    if name == hand_drawn.NAME:
        samples = min(samples, source.samples)
    blocks = [block() for _ in range(-(-samples // source.samples))]
    return plane_dataset(
        source, blocks, samples, tuple(features), EXTENT, train_share, validation_share, split_rng, formula, fold
    )


def preload() -> None:
    """Read the bundled sets ahead of time, so that no visitor waits for them."""
    for source in DATASETS.values():
        if not (source.plane or source.find):
            source.make()
