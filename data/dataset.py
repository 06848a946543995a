"""The record that every data set arrives in, and the steps that lead to it: split, measure, standardise.
Only the training part is measured; the test part is transformed with what was found there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import NamedTuple

import numpy as np

from data.features import plane_features


class Raw(NamedTuple):
    """Examples as a source hands them over: not split, in their own units."""

    x: np.ndarray                            # (N, 2) plane points, or (N, D) table columns or pixels 0..255
    y: np.ndarray                            # (N,) class numbers, or targets in their own units
    group: np.ndarray                        # (N,) what the split keeps in proportion: the class before any noise
    feature_names: tuple[str, ...] = ()      # () for points of the plane


@dataclass(frozen=True)
class Source:
    """Where examples come from: one line of the table behind the menu of data sets."""

    name: str
    label: str                                     # what the menu shows
    kind: str                                      # "classification" | "regression"
    sentence: str                                  # what it is and what to try
    samples: int                                   # a toy's usual number of examples, a real set's size
    make: Callable[..., Raw]                       # toy: (samples, noise, place, shake) -> Raw; real set: () -> Raw
    class_names: tuple[str, ...] = ()              # () for regression
    inputs: int = 2                                # columns of the raw examples
    plane: bool = False                            # a two-dimensional toy?
    image_shape: tuple[int, int] | None = None     # (rows, columns) of a picture

    @property
    def classes(self) -> int:
        """Number of classes; 0 for regression."""
        return len(self.class_names)


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Examples ready for a network. N examples, D inputs; every array is read-only."""

    name: str
    kind: str                                   # "classification" | "regression"
    x_train: np.ndarray                         # (N, D) float32, standardised
    y_train: np.ndarray                         # (N,) int64 class numbers, or float32 standardised targets
    x_test: np.ndarray                          # the test part, in the statistics of the training part
    y_test: np.ndarray
    points_train: np.ndarray | None             # (N, 2) float32 raw plane coordinates of a toy
    points_test: np.ndarray | None
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]                # () for regression
    image_shape: tuple[int, int] | None         # (rows, columns) of a picture
    images_test: np.ndarray | None              # (N, rows, columns) uint8, the test part as the network sees it
    x_mean: np.ndarray                          # (D,) float64: standardised = (raw - x_mean) / x_scale
    x_scale: np.ndarray                         # (D,) float64; raw pixels count 0..255
    y_mean: float                               # 0 for classification
    y_scale: float                              # 1 for classification
    encode: Callable[[np.ndarray], np.ndarray] | None    # raw plane points (M, 2) -> standardised inputs (M, D)
    extent: tuple[float, float] | None          # the plane shown is [lo, hi] x [lo, hi]

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    def __repr__(self) -> str:
        return (f"Dataset({self.name}: {len(self.x_train)} train, {len(self.x_test)} test, "
                f"{len(self.feature_names)} inputs, {self.kind})")

    @property
    def classes(self) -> int:
        """Number of classes; 0 for regression."""
        return len(self.class_names)

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


def standardise(values: np.ndarray, mean: np.ndarray | float, scale: np.ndarray | float) -> np.ndarray:
    """(values - mean) / scale, computed in float64, as float32."""
    return ((np.asarray(values, dtype=np.float64) - mean) / scale).astype(np.float32)


def _encode(points: np.ndarray, *, names: tuple[str, ...], mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return standardise(plane_features(points, names), mean, scale)


def plane_dataset(source: Source, raw: Raw, features: tuple[str, ...], extent: tuple[float, float], train_share: float,
                  deal: np.random.Generator) -> Dataset:
    """A toy's points, split with `deal`, as standardised features of the plane."""
    train, test = split(raw.group, train_share, deal)
    points = raw.x.astype(np.float32)
    mean, scale = statistics(plane_features(points[train], features))
    # A partial of a module function, unlike a lambda, can be sent to another process.
    encode = partial(_encode, names=features, mean=mean, scale=scale)
    return Dataset(
        name=source.name, kind=source.kind, feature_names=features, class_names=source.class_names,
        x_train=encode(points[train]), x_test=encode(points[test]), x_mean=mean, x_scale=scale,
        points_train=points[train], points_test=points[test], encode=encode, extent=extent,
        image_shape=None, images_test=None, **_targets(source, raw.y, train, test),
    )


def table_dataset(source: Source, raw: Raw, samples: int, noise: float, train_share: float, place: np.random.Generator,
                  shake: np.random.Generator, deal: np.random.Generator) -> Dataset:
    """A real set or, if it has more, `samples` rows of it chosen with `place`; split with `deal`.

    `shake` adds Gaussian noise of `noise` standard deviations to the inputs of both parts. The statistics are those of
    the training part before noise.
    """
    chosen = stratified_order(raw.group, place)[:samples]
    x, y, group = raw.x[chosen].astype(np.float64), raw.y[chosen], raw.group[chosen]
    train, test = split(group, train_share, deal)
    mean, scale = statistics(x[train])
    x += noise * scale * shake.standard_normal(x.shape)
    images = None
    if source.image_shape:
        images = np.clip(np.rint(x[test]), 0, 255).astype(np.uint8).reshape(-1, *source.image_shape)
    return Dataset(
        name=source.name, kind=source.kind, feature_names=raw.feature_names, class_names=source.class_names,
        x_train=standardise(x[train], mean, scale), x_test=standardise(x[test], mean, scale),
        x_mean=mean, x_scale=scale, points_train=None, points_test=None, encode=None, extent=None,
        image_shape=source.image_shape, images_test=images, **_targets(source, y, train, test),
    )


def _targets(source: Source, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> dict:
    if source.kind == "classification":
        y = y.astype(np.int64)
        return {"y_train": y[train], "y_test": y[test], "y_mean": 0.0, "y_scale": 1.0}
    mean, scale = map(float, statistics(y[train]))
    return {"y_train": standardise(y[train], mean, scale), "y_test": standardise(y[test], mean, scale),
            "y_mean": mean, "y_scale": scale}
