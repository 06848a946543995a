"""What makes a data set harder before it is split: classes of unequal size, wrong labels, points in wrong places.
More of it touches the same examples and further ones, so that a slider does not shuffle the picture."""

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
    place: np.random.Generator,
    shake: np.random.Generator,
    pick: np.random.Generator,
) -> Raw:
    """A toy in which the first class weighs `balance` and each other class 1 - `balance`; 0.5 is all alike.

    For two classes `balance` is the share of the first one. Each class keeps two examples at least.
    """
    weights = np.full(classes, 1 - balance)
    weights[0] = balance
    ends = np.rint(np.cumsum(weights) / weights.sum() * samples).astype(int)
    counts = np.maximum(np.diff(ends, prepend=0), 2)
    counts[counts.argmax()] += samples - counts.sum()
    raw = make(classes * (int(counts.max()) + 4), noise, place, shake)
    of_class = (pick.permutation(np.flatnonzero(raw.group == number)) for number in range(classes))
    rows = np.sort(np.concatenate([some[:count] for some, count in zip(of_class, counts, strict=True)]))
    return raw._replace(x=raw.x[rows], y=raw.y[rows], group=raw.group[rows])


def with_outliers(raw: Raw, share: float, extent: tuple[float, float], rng: np.random.Generator) -> Raw:
    """This share of the points of the plane is thrown somewhere on it; they keep their labels."""
    rows, places = _chosen(len(raw.x), share, rng), rng.uniform(*extent, raw.x.shape)
    x = raw.x.copy()
    x[rows] = places[rows]
    return raw._replace(x=x)


def with_wrong_labels(raw: Raw, share: float, classes: int, rng: np.random.Generator) -> Raw:
    """This share of all labels, of the later test part too, is replaced by another class."""
    rows, steps = _chosen(len(raw.y), share, rng), rng.integers(1, classes, len(raw.y))
    y = raw.y.astype(np.int64)
    y[rows] = (y[rows] + steps[rows]) % classes
    return raw._replace(y=y)


def _chosen(count: int, share: float, rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(count)[: round(share * count)]
