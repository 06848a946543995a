"""Makes a data set harder before it is split: unbalanced classes, wrong labels, outliers.

A larger share changes the same examples and further ones, so that moving a slider does not shuffle the picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from data.dataset import Raw


def unbalanced(
    make: Callable[..., Raw],
    classes: int,
    balance: float,
    samples: int,
    noise: float,
    positions_rng: np.random.Generator,
    noise_rng: np.random.Generator,
    balance_rng: np.random.Generator,
) -> Raw:
    """A toy in which the first class has weight `balance` and every other class 1 - `balance`; 0.5 is balanced.

    For two classes `balance` is the share of the first one. Each class keeps at least two examples.
    """
    weights = np.full(classes, 1 - balance)
    weights[0] = balance
    ends = np.rint(np.cumsum(weights) / weights.sum() * samples).astype(int)
    counts = np.maximum(np.diff(ends, prepend=0), 2)
    counts[counts.argmax()] += samples - counts.sum()
    raw = make(classes * (int(counts.max()) + 4), noise, positions_rng, noise_rng)
    of_class = (balance_rng.permutation(np.flatnonzero(raw.group == number)) for number in range(classes))
    rows = np.sort(np.concatenate([some[:count] for some, count in zip(of_class, counts, strict=True)]))
    return raw._replace(x=raw.x[rows], y=raw.y[rows], group=raw.group[rows])


def with_outliers(raw: Raw, share: float, extent: tuple[float, float], rng: np.random.Generator) -> Raw:
    """Move this share of the points to random positions in the plane; they keep their labels."""
    rows, positions = _chosen(len(raw.x), share, rng), rng.uniform(*extent, raw.x.shape)
    x = raw.x.copy()
    x[rows] = positions[rows]
    return raw._replace(x=x)


def with_wrong_labels(raw: Raw, share: float, classes: int, rng: np.random.Generator) -> Raw:
    """Replace this share of all labels, including those of the later test part, by another class."""
    rows, steps = _chosen(len(raw.y), share, rng), rng.integers(1, classes, len(raw.y))
    y = raw.y.astype(np.int64)
    y[rows] = (y[rows] + steps[rows]) % classes
    return raw._replace(y=y)


def _chosen(count: int, share: float, rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(count)[: round(share * count)]
