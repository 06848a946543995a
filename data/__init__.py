"""Where examples come from: toys in the plane, tables and pictures.
Everything is drawn from the generator that the caller hands in, and nothing here knows of networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data.dataset import Dataset, Source, plane_dataset, table_dataset
from data.files import user_data as uploaded
from data.scaling import SCALINGS, STANDARD, Scaling
from data.sources import corruption, hand_drawn
from data.sources.features import FEATURES, Feature, check_features
from data.sources.images import IMAGES
from data.sources.tables import TABLES
from data.sources.toy import EXTENT, TOYS

__all__ = [
    "BALANCED", "DATASETS", "FEATURES", "OWN", "RANGES", "SAMPLES", "SCALINGS", "Dataset", "Feature", "Scaling",
    "Source", "described", "load", "preload",
]  # fmt: skip

DATASETS: dict[str, Source] = {source.name: source for source in (*TOYS, hand_drawn.source(), *TABLES, *IMAGES)}
OWN = uploaded.NAMES  # the names of what a person brings along
SAMPLES = (10, 100_000)  # what `load` takes: the smallest and the largest value
RANGES = {
    "noise": (0, 0.5), "label_noise": (0, 0.5), "outliers": (0, 0.5), "balance": (0.1, 0.9), "train_share": (0.1, 0.9),
}  # fmt: skip
BALANCED = tuple(source.name for source in TOYS if source.classes)  # whose first class can be made larger or smaller


def described(name: str, points: str = "", own: str = "") -> Source:
    """The source of that name. Raises ValueError for points that are none, or uploaded data that is not here."""
    if name in OWN:
        return uploaded.source(own)
    return hand_drawn.source(points) if name == hand_drawn.NAME else DATASETS[name]


def load(
    name: str,
    *,
    samples: int = 0,
    noise: float = 0.0,
    train_share: float = 0.75,
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
    """Draw or read a data set, split it and standardise it.

    samples: how many examples, 10 to 100000; 0 for the source's own number. A real set gives at most what it has.
        Of a set with a test part of its own (MNIST) they are the training examples; the test part stays whole.
    noise: 0 to 0.5. In a toy it shifts the points or the place where their label is read (its function says which), or
        widens the clouds. A real set gets Gaussian noise of this many standard deviations on its standardised inputs.
    train_share: 0.1 to 0.9, the share of the examples that is trained on; a set with a test part of its own takes no
        notice.
    features: names from FEATURES, the inputs for a toy; a real set has its own inputs and takes no notice.
    formula: the text of the feature called "formula"; see data.sources.formula.
    label_noise: 0 to 0.5, the share of all labels that is wrong; classification only.
    outliers: 0 to 0.5, the share of the points of a toy that is thrown somewhere on the plane.
    balance: 0.1 to 0.9, the share of the first class of a toy with two classes; see data.sources.corruption.
    points: the points of the set "drawn", as data.sources.hand_drawn packs them; without any, a few to start with.
    own: the fingerprint of what a person uploaded, for the names of data.files.user_data.
    scaling: how the pixels of pictures become inputs, a name of SCALINGS; other data is always standardised.
    rng: spawns one stream each for places, noise, split and whatever spoils. With the same seed, another noise keeps
        the places and the split, another share keeps the examples, other features keep both. A second call with one
        rng draws anew.
    data_dir: the folder in which, or in whose subfolder, the files of a set lie that is read from files; without it, or
        where it lacks them, see data.sources.idx.folders.

    Raises ValueError, in a sentence that says what is allowed, or which files are missing or broken.
    """
    if name not in DATASETS and name not in OWN:
        raise ValueError(f"Unknown data set {name!r}: choose one of {', '.join(DATASETS)}.")
    if not isinstance(samples, (int, np.integer)) or not (samples == 0 or SAMPLES[0] <= samples <= SAMPLES[1]):
        raise ValueError(
            f"The argument samples is {samples!r}: choose a whole number from {SAMPLES[0]} to {SAMPLES[1]}, or 0."
        )
    given = (noise, label_noise, outliers, balance, train_share)
    for (argument, (low, high)), value in zip(RANGES.items(), given, strict=True):
        if not low <= value <= high:
            raise ValueError(f"The argument {argument} is {value!r}: choose a number from {low} to {high}.")
    source = described(name, points, own)
    if scaling not in (SCALINGS if source.image_shape else (STANDARD,)):
        raise ValueError(
            f"The scaling is {scaling!r}: choose one of {', '.join(SCALINGS)}; without pictures {STANDARD}."
        )
    samples = int(samples) or source.samples
    place, shake, deal, pick, throw, flip = rng.spawn(6)
    if label_noise and not source.classes:
        raise ValueError("The label noise is for classes: choose 0 where the targets are numbers.")
    if not source.plane:
        if outliers or balance != 0.5:
            raise ValueError("Outliers and balance are for the toys in the plane: choose 0 outliers and balance 0.5.")
        raw = source.make(data_dir) if source.find else source.make()
        if label_noise:
            raw = corruption.with_wrong_labels(raw, label_noise, source.classes, flip)
        return table_dataset(source, raw, samples, noise, train_share, place, shake, deal, scaling)
    check_features(features)
    if balance == 0.5:
        raw = source.make(samples, noise, place, shake)
    elif name in BALANCED:
        raw = corruption.unbalanced(source.make, source.classes, balance, samples, noise, place, shake, pick)
    else:
        raise ValueError(f"The balance can be changed of {', '.join(BALANCED)}: choose 0.5 for other data.")
    if outliers:
        raw = corruption.with_outliers(raw, outliers, EXTENT, throw)
    if label_noise:
        raw = corruption.with_wrong_labels(raw, label_noise, source.classes, flip)
    return plane_dataset(source, raw, tuple(features), EXTENT, train_share, deal, formula)


def preload() -> None:
    """Read the bundled sets now, so that no visitor waits for them."""
    for source in DATASETS.values():
        if not (source.plane or source.find):
            source.make()
