"""The steps from raw examples to a data set, each a function of arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np


class Parts(NamedTuple):
    """Row numbers of each part. The validation part is empty unless some of the training part was dealt to it."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def stratified_order(group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random order (N,) of the examples in which every prefix holds the groups (N,) in proportion, within one.

    Each group of two or more has one member at the start and one at the end, so any cut leaves some on both sides.
    """
    order = rng.permutation(len(group))
    progress = np.empty(len(group))
    for value in np.unique(group):
        positions = np.flatnonzero(group[order] == value)
        progress[positions] = (np.arange(len(positions)) + 0.5) / len(positions)
        if len(positions) > 1:
            progress[positions[[0, -1]]] = 0, 1
    return order[np.argsort(progress, kind="stable")]


def split(
    group: np.ndarray, train_share: float, rng: np.random.Generator, samples: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the training part and of the test part, both stratified by group (N,).

    Each part holds at least one example, and at least one of each group of two or more. A larger share only adds to
    the training part. samples: how many rows are used. The training part is taken from the start of one random order
    and the test part from its end, so more samples add to both parts and move no row from one to the other.
    """
    order = stratified_order(group, rng)
    samples = len(order) if samples is None else min(samples, len(order))
    paired = np.count_nonzero(np.unique(group, return_counts=True)[1] > 1)
    least = max(min(paired, samples // 2), 1)
    cut = int(np.clip(np.rint(train_share * samples), least, samples - least))
    return order[:cut], order[len(order) - (samples - cut) :]


def deal_validation(train: np.ndarray, test: np.ndarray, share: float, group: np.ndarray, fold: int = 0) -> Parts:
    """The parts, with this share of the training rows (M,) dealt as validation part.

    These are the last of them: rows in a stratified order, so that both parts are stratified, and a larger share only
    adds to the validation part. fold: how many other validation parts of this size come after it; together the folds
    hold each row once. The training part keeps at least as many examples as it has groups.
    """
    if not share:
        return Parts(train, train[:0], test)
    most = len(train) - len(np.unique(group[train]))
    behind = min(round(fold * share * len(train)), len(train) - 1)
    end = len(train) - behind
    begin = max(0, end - min(max(round((fold + 1) * share * len(train)) - behind, 1), most))
    return Parts(np.concatenate([train[:begin], train[end:]]), train[begin:end], test)


def statistics(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation over the first axis in float64; 1 for the deviation of a constant column."""
    values = np.asarray(values, dtype=np.float64)
    # Rounding can give a constant column a tiny deviation instead of 0, so the values themselves are compared; those of
    # a computed column, such as 0.1 + 0.2 beside 0.3, may differ by rounding as well.
    rounding = 4 * np.spacing(np.abs(values).max(axis=0))
    return values.mean(axis=0), np.where(np.ptp(values, axis=0) <= rounding, 1.0, values.std(axis=0))


def pixel_statistics(pixels: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation over all pixels of the rows (M,) of pictures (N, D) uint8, each repeated to (D,).

    Statistics per pixel would give one that is almost always 0 a tiny deviation, so a single stroke there would become
    a huge input.
    """
    gray = np.arange(256)
    counts = np.zeros(256, dtype=np.int64)
    for chunk in chunks(len(rows)):
        counts += np.bincount(pixels[rows[chunk]].ravel(), minlength=256)
    mean = gray @ counts / counts.sum()
    scale = np.sqrt((gray - mean) ** 2 @ counts / counts.sum()) or 1.0
    return np.full(pixels.shape[1], mean), np.full(pixels.shape[1], scale)


def usual_values(known: np.ndarray, groups: Iterable[tuple[int, int]]) -> np.ndarray:
    """The values (D,) that fill gaps (NaN), from the training rows `known` (N, D).

    A number becomes the median, a one-hot encoded category (columns start:stop of a group) the most frequent one."""
    if not np.isnan(known).any():
        values = np.median(known, axis=0)
    else:
        values = np.zeros(known.shape[1])
        for column in np.flatnonzero(~np.isnan(known).all(axis=0)):
            values[column] = np.nanmedian(known[:, column])
    for start, stop in groups:
        values[start:stop] = np.arange(stop - start) == np.nansum(known[:, start:stop], axis=0).argmax()
    return values


def fill_gaps(x: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The examples x (N, D) with their gaps (NaN) replaced by the values (D,)."""
    return np.where(np.isnan(x), values, x) if np.isnan(x).any() else x


def standardize(values: np.ndarray, mean: np.ndarray | float, scale: np.ndarray | float) -> np.ndarray:
    """(values - mean) / scale, computed in float64, as float32."""
    return ((np.asarray(values, dtype=np.float64) - mean) / scale).astype(np.float32)


def chunks(rows: int) -> Iterator[slice]:
    """Slices of 1024 rows: a whole data set in float64 would not fit into memory."""
    return (slice(start, start + 1024) for start in range(0, rows, 1024))
