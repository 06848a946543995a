"""The records that data sets arrive in, and how raw examples become a data set that is ready for a network.
Only the training part is measured; the test part is transformed with what was found there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data.preprocessing import filled, pieces, pixel_statistics, split, standardise, statistics, stratified_order
from data.scaling import PER_IMAGE, STANDARD, WHITE, stretched
from data.sources.features import plane_features


class Raw(NamedTuple):
    """Examples as a source hands them over: not split, in their own units."""

    x: np.ndarray  # (N, 2) plane points, or (N, D) table columns or pixels 0..255
    y: np.ndarray  # (N,) class numbers, or targets in their own units
    group: np.ndarray  # (N,) what the split keeps in proportion: the class before any noise
    feature_names: tuple[str, ...] = ()  # () for points of the plane
    test_rows: int = 0  # so many at the end are a test part of its own; 0: the split makes one
    groups: tuple[tuple[int, int], ...] = ()  # columns first:after of x that are one category, one-hot encoded


@dataclass(frozen=True)
class Source:
    """Where examples come from: one line of the table behind the menu of data sets."""

    name: str
    label: str  # what the menu shows
    kind: str  # "classification" | "regression"
    sentence: str  # what it is and what to try
    samples: int  # a toy's usual number of examples, a real set's size
    make: Callable[..., Raw]  # toy: (samples, noise, place, shake) -> Raw; bundled set: () -> Raw;
    # set in files: (data_dir) -> Raw
    class_names: tuple[str, ...] = ()  # () for regression
    inputs: int = 2  # columns of the raw examples
    plane: bool = False  # a two-dimensional toy?
    image_shape: tuple[int, int] | None = None  # (rows, columns) of a picture
    find: Callable[[Path | None], Path | None] | None = None  # set in files: the folder that holds them, if any does

    @property
    def classes(self) -> int:
        """Number of classes; 0 for regression."""
        return len(self.class_names)

    def available(self, data_dir: Path | None = None) -> bool:
        """Whether it can be loaded here: always, unless it lies in files that are not there."""
        return self.find is None or self.find(data_dir) is not None


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Examples ready for a network. N examples, D inputs; every array is read-only."""

    name: str
    kind: str  # "classification" | "regression"
    x_train: np.ndarray  # (N, D) float32, standardised
    y_train: np.ndarray  # (N,) int64 class numbers, or float32 standardised targets
    x_test: np.ndarray  # the test part, in the statistics of the training part
    y_test: np.ndarray
    points_train: np.ndarray | None  # (N, 2) float32 raw plane coordinates of a toy
    points_test: np.ndarray | None
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]  # () for regression
    image_shape: tuple[int, int] | None  # (rows, columns) of a picture
    images_test: np.ndarray | None  # (N, rows, columns) uint8, the test part as the network sees it
    x_mean: np.ndarray  # (D,) float64: standardised = (raw - x_mean) / x_scale
    x_scale: np.ndarray  # (D,) float64; raw pixels count 0..255
    y_mean: float  # 0 for classification
    y_scale: float  # 1 for classification
    encode: Callable[[np.ndarray], np.ndarray] | None  # raw plane points (M, 2) -> standardised inputs (M, D)
    extent: tuple[float, float] | None  # the plane shown is [lo, hi] x [lo, hi]
    scaling: str = STANDARD  # of pictures; with "per_image" raw pixels are stretched before mean and scale apply

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    def __repr__(self) -> str:
        return (
            f"Dataset({self.name}: {len(self.x_train)} train, {len(self.x_test)} test, "
            f"{len(self.feature_names)} inputs, {self.kind})"
        )

    @property
    def classes(self) -> int:
        """Number of classes; 0 for regression."""
        return len(self.class_names)

    def inputs(self, raw: np.ndarray) -> np.ndarray:
        """Other raw examples (M, D), such as pixels 0 to 255 -> inputs (M, D) float32, made as the test part was."""
        return standardise(stretched(raw) if self.scaling == PER_IMAGE else raw, self.x_mean, self.x_scale)

    def to_units(self, y: np.ndarray) -> np.ndarray:
        """Standardised regression targets, of any shape, in their original units."""
        return y * self.y_scale + self.y_mean


def _encode(
    points: np.ndarray, *, names: tuple[str, ...], formula: str, mean: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    return standardise(plane_features(points, names, formula), mean, scale)


def plane_dataset(
    source: Source,
    raw: Raw,
    features: tuple[str, ...],
    extent: tuple[float, float],
    train_share: float,
    deal: np.random.Generator,
    formula: str = "",
) -> Dataset:
    """A toy's points, split with `deal`, as standardised features of the plane; `formula` is the typed one's text."""
    train, test = split(raw.group, train_share, deal)
    points = raw.x.astype(np.float32)
    mean, scale = statistics(plane_features(points[train], features, formula))
    # A partial of a module function, unlike a lambda, can be sent to another process.
    encode = partial(_encode, names=features, formula=formula, mean=mean, scale=scale)
    return Dataset(
        name=source.name,
        kind=source.kind,
        feature_names=features,
        class_names=source.class_names,
        x_train=encode(points[train]),
        x_test=encode(points[test]),
        x_mean=mean,
        x_scale=scale,
        points_train=points[train],
        points_test=points[test],
        encode=encode,
        extent=extent,
        image_shape=None,
        images_test=None,
        **_targets(source, raw.y, train, test),
    )


def table_dataset(
    source: Source,
    raw: Raw,
    samples: int,
    noise: float,
    train_share: float,
    place: np.random.Generator,
    shake: np.random.Generator,
    deal: np.random.Generator,
    scaling: str = STANDARD,
) -> Dataset:
    """A real set or, if it has more, `samples` rows of it chosen with `place`; split with `deal`.

    A set with a test part of its own keeps it whole, and `samples` rows are chosen of its training part. `shake` adds
    Gaussian noise of `noise` standard deviations to the inputs of both parts. The statistics are those of the training
    part before noise. scaling: how pixels of pictures become inputs; see data.scaling.
    """
    train, test = _parts(raw, samples, train_share, place, deal)
    if source.image_shape:
        mean, scale = pixel_statistics(raw.x, train)
    else:
        raw = raw._replace(x=filled(raw.x, raw.groups, train))
        mean, scale = statistics(raw.x[train])
        for first, after in raw.groups:  # these stay 0 and 1
            mean[first:after], scale[first:after] = 0, 1
    blur = noise * scale
    if scaling != STANDARD:
        mean, scale = np.zeros_like(mean), np.full_like(scale, WHITE)
    own = scaling == PER_IMAGE
    x_train, x_test = (_inputs(raw.x, rows, mean, scale, blur, shake, own) for rows in (train, test))
    return Dataset(
        name=source.name,
        kind=source.kind,
        feature_names=raw.feature_names,
        class_names=source.class_names,
        x_train=x_train,
        x_test=x_test,
        x_mean=mean,
        x_scale=scale,
        points_train=None,
        points_test=None,
        encode=None,
        extent=None,
        image_shape=source.image_shape,
        images_test=_pictures(x_test, mean, scale, source.image_shape) if source.image_shape else None,
        scaling=scaling,
        **_targets(source, raw.y, train, test),
    )


def _parts(
    raw: Raw, samples: int, train_share: float, place: np.random.Generator, deal: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the training part and of the test part."""
    if raw.test_rows:
        known = len(raw.x) - raw.test_rows
        return stratified_order(raw.group[:known], place)[:samples], np.arange(known, len(raw.x))
    chosen = stratified_order(raw.group, place)[:samples]
    train, test = split(raw.group[chosen], train_share, deal)
    return chosen[train], chosen[test]


def _inputs(
    x: np.ndarray,
    rows: np.ndarray,
    mean: np.ndarray,
    scale: np.ndarray,
    blur: np.ndarray,
    shake: np.random.Generator,
    own: bool,
) -> np.ndarray:
    """Rows (M,) of x (N, D), noisy and scaled, (M, D) float32: only here it is decided how inputs are kept."""
    inputs = np.empty((len(rows), x.shape[1]), dtype=np.float32)
    for piece in pieces(len(rows)):
        values = x[rows[piece]].astype(np.float64)
        if blur.any():
            values += blur * shake.standard_normal(values.shape)
        inputs[piece] = standardise(stretched(values) if own else values, mean, scale)
    return inputs


def _pictures(inputs: np.ndarray, mean: np.ndarray, scale: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Standardised inputs (M, D) as the pictures (M, rows, columns) they stand for, uint8."""
    pictures = np.empty(inputs.shape, dtype=np.uint8)
    for piece in pieces(len(inputs)):
        pictures[piece] = np.clip(np.rint(inputs[piece] * scale + mean), 0, 255)
    return pictures.reshape(-1, *shape)


def _targets(source: Source, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> dict:
    if source.kind == "classification":
        y = y.astype(np.int64)
        return {"y_train": y[train], "y_test": y[test], "y_mean": 0.0, "y_scale": 1.0}
    mean, scale = map(float, statistics(y[train]))
    return {
        "y_train": standardise(y[train], mean, scale),
        "y_test": standardise(y[test], mean, scale),
        "y_mean": mean,
        "y_scale": scale,
    }
