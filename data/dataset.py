"""The record that every data set arrives in, and the steps that lead to it: split, measure, standardise.
Only the training part is measured; the test part is transformed with what was found there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data.features import plane_features
from data.scaling import PER_IMAGE, STANDARD, WHITE, stretched


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

    def inputs(self, pixels: np.ndarray) -> np.ndarray:
        """Raw pixels (M, D), 0 to 255, of other pictures -> inputs (M, D) float32 made like those of the test part."""
        return standardise(stretched(pixels) if self.scaling == PER_IMAGE else pixels, self.x_mean, self.x_scale)

    def to_units(self, y: np.ndarray) -> np.ndarray:
        """Standardised regression targets, of any shape, in their original units."""
        return y * self.y_scale + self.y_mean


def stratified_order(group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random order (N,) of the examples, every beginning of which holds the groups (N,) in proportion, within one.

    Groups of two and more come with one member up front and one at the end, so any cut between misses none of them.
    """
    order = rng.permutation(len(group))
    progress = np.empty(len(group))
    for value in np.unique(group):
        places = np.flatnonzero(group[order] == value)
        progress[places] = (np.arange(len(places)) + 0.5) / len(places)
        if len(places) > 1:
            progress[places[[0, -1]]] = 0, 1
    return order[np.argsort(progress, kind="stable")]


def split(group: np.ndarray, train_share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the training part and of the test part, both stratified by group (N,).

    Each part holds at least one example, and at least one of each group of two or more. A larger share adds to the
    training part and takes nothing out of it.
    """
    order = stratified_order(group, rng)
    paired = np.count_nonzero(np.unique(group, return_counts=True)[1] > 1)
    least = max(paired, 1)
    cut = int(np.clip(np.rint(train_share * len(group)), least, len(group) - least))
    return order[:cut], order[cut:]


def statistics(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation over the first axis in float64; the deviation of a constant counts as 1."""
    values = np.asarray(values, dtype=np.float64)
    # Rounding gives a constant column a tiny deviation instead of 0, so constancy is asked of the values themselves.
    return values.mean(axis=0), np.where(np.ptp(values, axis=0) == 0, 1.0, values.std(axis=0))


def pixel_statistics(pixels: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation over all pixels of some rows (M,) of pictures (N, D) uint8, the same (D,) times each.

    Pixel by pixel, one that is almost always 0 would have a tiny deviation, and a single stroke there a huge input.
    """
    grey = np.arange(256)
    counts = np.zeros(256, dtype=np.int64)
    for piece in _pieces(len(rows)):
        counts += np.bincount(pixels[rows[piece]].ravel(), minlength=256)
    mean = grey @ counts / counts.sum()
    scale = np.sqrt((grey - mean) ** 2 @ counts / counts.sum()) or 1.0
    return np.full(pixels.shape[1], mean), np.full(pixels.shape[1], scale)


def filled(raw: Raw, train: np.ndarray) -> Raw:
    """The same examples without gaps (NaN in x). Only the training rows decide what fills them: a number becomes their
    median, a one-hot encoded category their most frequent one."""
    if raw.x.dtype.kind != "f" or not np.isnan(raw.x).any():
        return raw
    known = raw.x[train]
    values = np.zeros(raw.x.shape[1])
    for column in np.flatnonzero(~np.isnan(known).all(axis=0)):
        values[column] = np.nanmedian(known[:, column])
    for first, after in raw.groups:
        values[first:after] = np.arange(after - first) == np.nansum(known[:, first:after], axis=0).argmax()
    return raw._replace(x=np.where(np.isnan(raw.x), values, raw.x))


def standardise(values: np.ndarray, mean: np.ndarray | float, scale: np.ndarray | float) -> np.ndarray:
    """(values - mean) / scale, computed in float64, as float32."""
    return ((np.asarray(values, dtype=np.float64) - mean) / scale).astype(np.float32)


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
        raw = filled(raw, train)
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


def _pieces(rows: int) -> Iterator[slice]:
    """Slices of 1024 rows: what is computed in float64 would not fit into memory whole."""
    return (slice(start, start + 1024) for start in range(0, rows, 1024))


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
    for piece in _pieces(len(rows)):
        values = x[rows[piece]].astype(np.float64)
        if blur.any():
            values += blur * shake.standard_normal(values.shape)
        inputs[piece] = standardise(stretched(values) if own else values, mean, scale)
    return inputs


def _pictures(inputs: np.ndarray, mean: np.ndarray, scale: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Standardised inputs (M, D) as the pictures (M, rows, columns) they stand for, uint8."""
    pictures = np.empty(inputs.shape, dtype=np.uint8)
    for piece in _pieces(len(inputs)):
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
