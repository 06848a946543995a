"""Test functions for optimizers: one table of records, each height next to its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Pair = tuple[float, float]


class Surface(NamedTuple):
    """A height over the plane. value(x, y) and gradient(x, y) -> (df/dx, df/dy) take numbers or arrays of any shape."""

    name: str
    label: str
    formula: str  # LaTeX
    sentence: str
    value: Callable[[Any, Any], Any]
    gradient: Callable[[Any, Any], tuple[Any, Any]]
    x_range: Pair
    y_range: Pair
    start: Pair
    rate: float  # a learning rate that makes an instructive race
    lowest: Pair | None  # the minimum; None if there is none

    def slopes(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """points (K, 2) -> heights (K,) and gradients (K, 2)."""
        x, y = points.T
        return self.value(x, y), np.stack(np.broadcast_arrays(*self.gradient(x, y)), axis=1)

    def grid(self, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """xs (side,), ys (side,) and the heights (side, side), whose entry [i, j] is at xs[j], ys[i]."""
        xs, ys = np.linspace(*self.x_range, side), np.linspace(*self.y_range, side)
        return xs, ys, self.value(xs, ys[:, None])


def _beale(x: Any, y: Any) -> list[tuple[Any, int]]:
    """The three terms that are squared, each with its power of y."""
    return [(c - x + x * y**n, n) for c, n in ((1.5, 1), (2.25, 2), (2.625, 3))]


SURFACES = {
    surface.name: surface
    for surface in (
        Surface(
            "bowl", "Bowl", r"f(x, y) = x^2 + y^2",
            "Equally steep in all directions: each gradient points straight away from the minimum, so all paths agree.",
            lambda x, y: x**2 + y**2, lambda x, y: (2 * x, 2 * y),
            (-3.0, 3.0), (-3.0, 3.0), (-2.5, 2.0), 0.1, (0.0, 0.0),
        ),
        Surface(
            "ravine", "Ravine", r"f(x, y) = 0.05\,x^2 + 2\,y^2",
            "Steep across, almost flat along: SGD jumps from wall to wall and hardly moves along the floor.",
            lambda x, y: 0.05 * x**2 + 2 * y**2, lambda x, y: (0.1 * x, 4 * y),
            (-6.0, 6.0), (-3.0, 3.0), (-5.0, 2.0), 0.3, (0.0, 0.0),
        ),
        Surface(
            "saddle", "Saddle", r"f(x, y) = x^2 - y^2",
            "Falls on two sides, rises on the other two. Near the ridge the slope is small: which one leaves it first?",
            lambda x, y: x**2 - y**2, lambda x, y: (2 * x, -2 * y),
            (-2.0, 2.0), (-2.0, 2.0), (-1.8, 0.01), 0.03, None,
        ),
        Surface(
            "rosenbrock", "Rosenbrock", r"f(x, y) = (1 - x)^2 + 100\,(y - x^2)^2",
            "A narrow curved valley with an almost flat floor: easy to find, hard to follow to the minimum.",
            lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
            lambda x, y: (-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)),
            (-2.0, 2.0), (-1.0, 3.0), (-1.5, 2.0), 0.001, (1.0, 1.0),
        ),
        Surface(
            "beale", "Beale", r"f(x, y) = (1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2",
            "A flat plain with steep corners: gradients vary 1,000-fold, which suits optimizers that scale them.",
            lambda x, y: sum(term**2 for term, _ in _beale(x, y)),
            lambda x, y: (
                sum(2 * term * (y**n - 1) for term, n in _beale(x, y)),
                sum(2 * term * n * x * y ** (n - 1) for term, n in _beale(x, y)),
            ),
            (-4.5, 4.5), (-4.5, 4.5), (1.0, 1.5), 0.003, (3.0, 0.5),
        ),
    )
}  # fmt: skip
