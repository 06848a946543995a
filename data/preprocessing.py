"""The steps from raw examples to a data set, each a function of arrays: split, fill gaps, measure, standardise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np


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
    for piece in pieces(len(rows)):
        counts += np.bincount(pixels[rows[piece]].ravel(), minlength=256)
    mean = grey @ counts / counts.sum()
    scale = np.sqrt((grey - mean) ** 2 @ counts / counts.sum()) or 1.0
    return np.full(pixels.shape[1], mean), np.full(pixels.shape[1], scale)


def filled(x: np.ndarray, groups: Iterable[tuple[int, int]], train: np.ndarray) -> np.ndarray:
    """The examples x (N, D) without gaps (NaN). Only the training rows decide what fills them: a number becomes their
    median, a one-hot encoded category (columns first:after of a group) their most frequent one."""
    if x.dtype.kind != "f" or not np.isnan(x).any():
        return x
    known = x[train]
    values = np.zeros(x.shape[1])
    for column in np.flatnonzero(~np.isnan(known).all(axis=0)):
        values[column] = np.nanmedian(known[:, column])
    for first, after in groups:
        values[first:after] = np.arange(after - first) == np.nansum(known[:, first:after], axis=0).argmax()
    return np.where(np.isnan(x), values, x)


def standardise(values: np.ndarray, mean: np.ndarray | float, scale: np.ndarray | float) -> np.ndarray:
    """(values - mean) / scale, computed in float64, as float32."""
    return ((np.asarray(values, dtype=np.float64) - mean) / scale).astype(np.float32)


def pieces(rows: int) -> Iterator[slice]:
    """Slices of 1024 rows: what is computed in float64 would not fit into memory whole."""
    return (slice(start, start + 1024) for start in range(0, rows, 1024))
