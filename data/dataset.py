"""Records for raw and prepared data sets, and the functions that turn one into the other.

Statistics are computed on the training part only; the test part is transformed with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data.preprocessing import chunks, fill_gaps, pixel_statistics, split, standardize, statistics, stratified_order
from data.scaling import PER_IMAGE, STANDARD, WHITE, stretched
from data.sources.features import plane_features


class Raw(NamedTuple):
    """Examples as a source returns them: not split, in their original units."""

    x: np.ndarray  # (N, 2) plane points, or (N, D) table columns or pixels 0..255
    y: np.ndarray  # (N,) class numbers, or targets in their own units
    group: np.ndarray  # (N,) the split is stratified by this: the class before any noise
    feature_names: tuple[str, ...] = ()  # () for points of the plane
    test_rows: int = 0  # the last rows that are a fixed test part; 0: the split makes one
    groups: tuple[tuple[int, int], ...] = ()  # columns start:stop of x that one-hot encode one category


@dataclass(frozen=True)
class Source:
    """Where examples come from: one record of the table behind the menu of data sets."""

    name: str
    label: str  # what the menu shows
    kind: str  # "classification" | "regression"
    sentence: str  # what it is and what to try
    samples: int  # a toy's default number of examples, a real set's size
    make: Callable[..., Raw]  # toy: (samples, noise, positions_rng, noise_rng) -> Raw;
    # bundled set: () -> Raw; set in files: (data_dir) -> Raw
    class_names: tuple[str, ...] = ()  # () for regression
    inputs: int = 2  # columns of the raw examples
    plane: bool = False  # a two-dimensional toy?
    image_shape: tuple[int, int] | None = None  # (rows, columns) of a picture
    find: Callable[[Path | None], Path | None] | None = None  # set in files: the folder that holds them, or None

    @property
    def classes(self) -> int:
        """Number of classes; 0 for regression."""
        return len(self.class_names)

    def available(self, data_dir: Path | None = None) -> bool:
        """Whether it can be loaded: False only for a file-based set whose files are missing."""
        return self.find is None or self.find(data_dir) is not None


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Examples ready for a network. N examples, D inputs; every array is read-only."""

    name: str
    kind: str  # "classification" | "regression"
    x_train: np.ndarray  # (N, D) float32, standardized
    y_train: np.ndarray  # (N,) int64 class numbers, or float32 standardized targets
    x_test: np.ndarray  # the test part, standardized with the statistics of the training part
    y_test: np.ndarray
    points_train: np.ndarray | None  # (N, 2) float32 raw plane coordinates of a toy
    points_test: np.ndarray | None
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]  # () for regression
    image_shape: tuple[int, int] | None  # (rows, columns) of a picture
    images_test: np.ndarray | None  # (N, rows, columns) uint8, the test part as the network sees it
    x_mean: np.ndarray  # (D,) float64: standardized = (raw - x_mean) / x_scale
    x_scale: np.ndarray  # (D,) float64; raw pixels count 0..255
    y_mean: float  # 0 for classification
    y_scale: float  # 1 for classification
    encode: Callable[[np.ndarray], np.ndarray] | None  # raw plane points (M, 2) -> standardized inputs (M, D)
    extent: tuple[float, float] | None  # the plane shown is [lo, hi] x [lo, hi]
    scaling: str = STANDARD  # of pictures; "per_image" stretches raw pixels before mean and scale

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
        """Transform raw examples (M, D), such as pixels 0 to 255, as the test part was. Returns (M, D) float32."""
        return standardize(stretched(raw) if self.scaling == PER_IMAGE else raw, self.x_mean, self.x_scale)

    def to_units(self, y: np.ndarray) -> np.ndarray:
        """Standardized regression targets, of any shape, in their original units."""
        return y * self.y_scale + self.y_mean


def _encode(
    points: np.ndarray, *, names: tuple[str, ...], formula: str, mean: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    return standardize(plane_features(points, names, formula), mean, scale)


def plane_dataset(
    source: Source,
    raw: Raw,
    features: tuple[str, ...],
    extent: tuple[float, float],
    train_share: float,
    split_rng: np.random.Generator,
    formula: str = "",
) -> Dataset:
    """A toy's points, split and turned into standardized features; `formula` is the text of the typed feature."""
    train, test = split(raw.group, train_share, split_rng)
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
    positions_rng: np.random.Generator,
    noise_rng: np.random.Generator,
    split_rng: np.random.Generator,
    scaling: str = STANDARD,
) -> Dataset:
    """A real set, or a stratified choice of `samples` rows of it, split and standardized.

    A set with its own test part keeps it whole; `samples` rows are then chosen from its training part. `noise_rng`
    adds Gaussian noise of `noise` standard deviations to the inputs of both parts. The statistics are those of the
    training part before noise. scaling: how pixels become inputs; see data.scaling.
    """
    train, test = _parts(raw, samples, train_share, positions_rng, split_rng)
    if source.image_shape:
        mean, scale = pixel_statistics(raw.x, train)
    else:
        raw = raw._replace(x=fill_gaps(raw.x, raw.groups, train))
        mean, scale = statistics(raw.x[train])
        for start, stop in raw.groups:  # one-hot columns stay 0 and 1
            mean[start:stop], scale[start:stop] = 0, 1
    noise_scale = noise * scale
    if scaling != STANDARD:
        mean, scale = np.zeros_like(mean), np.full_like(scale, WHITE)
    per_image = scaling == PER_IMAGE
    x_train, x_test = (_inputs(raw.x, rows, mean, scale, noise_scale, noise_rng, per_image) for rows in (train, test))
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
    raw: Raw, samples: int, train_share: float, positions_rng: np.random.Generator, split_rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the training part and of the test part."""
    if raw.test_rows:
        known = len(raw.x) - raw.test_rows
        return stratified_order(raw.group[:known], positions_rng)[:samples], np.arange(known, len(raw.x))
    chosen = stratified_order(raw.group, positions_rng)[:samples]
    train, test = split(raw.group[chosen], train_share, split_rng)
    return chosen[train], chosen[test]


def _inputs(
    x: np.ndarray,
    rows: np.ndarray,
    mean: np.ndarray,
    scale: np.ndarray,
    noise_scale: np.ndarray,
    noise_rng: np.random.Generator,
    per_image: bool,
) -> np.ndarray:
    """Rows (M,) of x (N, D) with noise added and scaled, (M, D) float32."""
    inputs = np.empty((len(rows), x.shape[1]), dtype=np.float32)
    for chunk in chunks(len(rows)):
        values = x[rows[chunk]].astype(np.float64)
        if noise_scale.any():
            values += noise_scale * noise_rng.standard_normal(values.shape)
        inputs[chunk] = standardize(stretched(values) if per_image else values, mean, scale)
    return inputs


def _pictures(inputs: np.ndarray, mean: np.ndarray, scale: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Standardized inputs (M, D) back as pictures (M, rows, columns) uint8."""
    pictures = np.empty(inputs.shape, dtype=np.uint8)
    for chunk in chunks(len(inputs)):
        pictures[chunk] = np.clip(np.rint(inputs[chunk] * scale + mean), 0, 255)
    return pictures.reshape(-1, *shape)


def _targets(source: Source, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> dict:
    if source.kind == "classification":
        y = y.astype(np.int64)
        return {"y_train": y[train], "y_test": y[test], "y_mean": 0.0, "y_scale": 1.0}
    mean, scale = map(float, statistics(y[train]))
    return {
        "y_train": standardize(y[train], mean, scale),
        "y_test": standardize(y[test], mean, scale),
        "y_mean": mean,
        "y_scale": scale,
    }
