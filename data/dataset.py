"""Records for raw and prepared data sets, and the functions that turn one into the other.

Statistics are computed on the training part only; the other parts are transformed with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from data.names import shown
from data.preprocessing import (
    Parts,
    chunks,
    deal_validation,
    fill_gaps,
    pixel_statistics,
    split,
    standardize,
    statistics,
    stratified_order,
    usual_values,
)
from data.recipe import Recipe
from data.scaling import PER_IMAGE, STANDARD, WHITE, stretched
from data.sources.features import plane_features

POINTS = Recipe.of_numbers(("x1", "x2"))  # of the plane


class Raw(NamedTuple):
    """Examples as a source returns them: not split, in their original units."""

    x: np.ndarray  # (N, 2) plane points, or (N, D) table columns or pixels 0..255
    y: np.ndarray  # (N,) class numbers, or targets in their own units
    group: np.ndarray  # (N,) the split is stratified by this: the class before any noise
    feature_names: tuple[str, ...] = ()  # () for points of the plane
    test_rows: int = 0  # the last rows that are a fixed test part; 0: the split makes one
    groups: tuple[tuple[int, int], ...] = ()  # columns start:stop of x that one-hot encode one category
    recipe: Recipe | None = None  # from the columns of a file to x; None: each number is an input as it is


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

    @property
    def shown_class_names(self) -> tuple[str, ...]:
        """The names of the classes as they can be shown."""
        return shown(self.class_names)

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
    x_validation: np.ndarray  # (V, D) standardized with the statistics of the training part; V = 0: there is none
    y_validation: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    points_train: np.ndarray | None  # (N, 2) float32 raw plane coordinates of a toy
    points_validation: np.ndarray | None
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
    recipe: Recipe = POINTS  # from the columns of a file of new rows to raw examples

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    def __repr__(self) -> str:
        return (
            f"Dataset({self.name}: {len(self.x_train)} train, {len(self.x_validation)} validation, "
            f"{len(self.x_test)} test, "
            f"{len(self.feature_names)} inputs, {self.kind})"
        )

    @property
    def classes(self) -> int:
        """Number of classes; 0 for regression."""
        return len(self.class_names)

    @property
    def shown_class_names(self) -> tuple[str, ...]:
        """The names of the classes as they can be shown."""
        return shown(self.class_names)

    @property
    def shown_feature_names(self) -> tuple[str, ...]:
        """The names of the inputs as they can be shown."""
        return shown(self.feature_names)

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the parts that have examples."""
        return tuple(name for name in Parts._fields if len(self.part("y", name)))

    def part(self, field: str, name: str) -> Any:
        """The field "x", "y" or "points" of a part: "train", "validation" or "test"."""
        return getattr(self, f"{field}_{name}")

    def inputs(self, raw: np.ndarray) -> np.ndarray:
        """Transform raw examples (M, D), such as pixels 0 to 255, as the test part was. Returns (M, D) float32."""
        return as_inputs(raw, self.scaling, self.x_mean, self.x_scale)

    def to_units(self, y: np.ndarray) -> np.ndarray:
        """Standardized regression targets, of any shape, in their original units."""
        return y * self.y_scale + self.y_mean


def as_inputs(raw: np.ndarray, scaling: str, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Raw examples (M, D) as inputs (M, D) float32; scaling: how pixels become inputs, see data.scaling."""
    return standardize(stretched(raw) if scaling == PER_IMAGE else raw, mean, scale)


def plane_inputs(
    points: np.ndarray, *, names: tuple[str, ...], formula: str, mean: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """Points of the plane (M, 2) as inputs (M, D) float32."""
    return standardize(plane_features(points, names, formula), mean, scale)


def plane_dataset(
    source: Source,
    blocks: Sequence[Raw],
    samples: int,
    features: tuple[str, ...],
    extent: tuple[float, float],
    train_share: float,
    validation_share: float,
    split_rng: np.random.Generator,
    formula: str = "",
    fold: int = 0,
) -> Dataset:
    """A toy's points, split and turned into standardized features; `formula` is the text of the typed feature.

    blocks: examples of which all but the last are used whole, `samples` in all.
    """
    train, test, start = [], [], 0
    for block in blocks:
        rows = split(block.group, train_share, split_rng, samples - start)
        for part, found in zip((train, test), rows, strict=True):
            part.append(start + found)
        start += len(block.group)
    x, y, group = (np.concatenate(arrays) for arrays in zip(*(block[:3] for block in blocks), strict=True))
    parts = deal_validation(np.concatenate(train), np.concatenate(test), validation_share, group, fold)
    points = Parts(*(x[rows].astype(np.float32) for rows in parts))
    mean, scale = statistics(plane_features(points.train, features, formula))
    # A partial of a module function, unlike a lambda, can be sent to another process.
    encode = partial(plane_inputs, names=features, formula=formula, mean=mean, scale=scale)
    return Dataset(
        name=source.name,
        kind=source.kind,
        feature_names=features,
        class_names=source.class_names,
        **_of_parts("x", map(encode, points)),
        **_of_parts("points", points),
        x_mean=mean,
        x_scale=scale,
        encode=encode,
        extent=extent,
        image_shape=None,
        images_test=None,
        **_targets(source, y, parts),
    )


def _of_parts(name: str, values: Iterable[Any]) -> dict[str, Any]:
    """Fields of a Dataset: one value for each part."""
    return {f"{name}_{part}": value for part, value in zip(Parts._fields, values, strict=True)}


def table_dataset(
    source: Source,
    raw: Raw,
    samples: int,
    noise: float,
    train_share: float,
    validation_share: float,
    positions_rng: np.random.Generator,
    noise_rng: np.random.Generator,
    split_rng: np.random.Generator,
    scaling: str = STANDARD,
    fold: int = 0,
) -> Dataset:
    """A real set, or a stratified choice of `samples` rows of it, split and standardized.

    A set with its own test part keeps it whole; `samples` rows are then chosen from its training part. `noise_rng`
    adds Gaussian noise of `noise` standard deviations to the inputs of all parts. The statistics are those of the
    training part before noise. scaling: how pixels become inputs; see data.scaling.
    """
    rows = _training_and_test_rows(raw, samples, train_share, positions_rng, split_rng)
    parts = deal_validation(*rows, validation_share, raw.group, fold)
    train, unused = parts.train, len(raw.x) - sum(map(len, parts))
    recipe = raw.recipe or Recipe.of_numbers(raw.feature_names, pixels=bool(source.image_shape))
    if source.image_shape:
        mean, scale = pixel_statistics(raw.x, train)
    else:
        usual = usual_values(raw.x[train], raw.groups)
        raw, recipe = raw._replace(x=fill_gaps(raw.x, usual)), recipe.with_fill(usual)
        mean, scale = statistics(raw.x[train])
        for start, stop in raw.groups:  # one-hot columns stay 0 and 1
            mean[start:stop], scale[start:stop] = 0, 1
    noise_scale = noise * scale
    if scaling != STANDARD:
        mean, scale = np.zeros_like(mean), np.full_like(scale, WHITE)
    per_image = scaling == PER_IMAGE
    prepare = partial(
        _inputs, raw.x, mean=mean, scale=scale, noise_scale=noise_scale, noise_rng=noise_rng, per_image=per_image
    )
    x_train, x_validation = (prepare(rows) for rows in parts[:2])
    if noise:  # so that the noise of a test row does not depend on the number of samples
        _skip_noise(noise_rng, unused, raw.x.shape[1])
    x_test = prepare(parts.test)
    return Dataset(
        name=source.name,
        kind=source.kind,
        feature_names=raw.feature_names,
        class_names=source.class_names,
        **_of_parts("x", (x_train, x_validation, x_test)),
        **_of_parts("points", (None, None, None)),
        x_mean=mean,
        x_scale=scale,
        encode=None,
        extent=None,
        image_shape=source.image_shape,
        images_test=_pictures(x_test, mean, scale, source.image_shape) if source.image_shape else None,
        scaling=scaling,
        recipe=recipe,
        **_targets(source, raw.y, parts),
    )


def _training_and_test_rows(
    raw: Raw, samples: int, train_share: float, positions_rng: np.random.Generator, split_rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the training part and of the test part. More samples only add to both."""
    if raw.test_rows:
        known = len(raw.x) - raw.test_rows
        return stratified_order(raw.group[:known], positions_rng)[:samples], np.arange(known, len(raw.x))
    order = stratified_order(raw.group, positions_rng)
    train, test = split(raw.group[order], train_share, split_rng, samples)
    return order[train], order[test]


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


def _skip_noise(noise_rng: np.random.Generator, rows: int, columns: int) -> None:
    for chunk in chunks(rows):
        noise_rng.standard_normal((min(chunk.stop, rows) - chunk.start, columns))


def _pictures(inputs: np.ndarray, mean: np.ndarray, scale: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Standardized inputs (M, D) back as pictures (M, rows, columns) uint8."""
    pictures = np.empty(inputs.shape, dtype=np.uint8)
    for chunk in chunks(len(inputs)):
        pictures[chunk] = np.clip(np.rint(inputs[chunk] * scale + mean), 0, 255)
    return pictures.reshape(-1, *shape)


def _targets(source: Source, y: np.ndarray, parts: Parts) -> dict[str, Any]:
    if source.kind == "classification":
        y = y.astype(np.int64)
        return {**_of_parts("y", (y[rows] for rows in parts)), "y_mean": 0.0, "y_scale": 1.0}
    mean, scale = map(float, statistics(y[parts.train]))
    targets = (standardize(y[rows], mean, scale) for rows in parts)
    return {**_of_parts("y", targets), "y_mean": mean, "y_scale": scale}
