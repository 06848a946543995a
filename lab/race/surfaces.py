"""Classic hills and valleys that optimisers are tried on: one table of records, height and slope side by side."""

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
    rate: float  # a learning rate at which the race is worth watching
    lowest: Pair | None  # where the minimum lies; None where it goes down for ever

    def slopes(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """points (K, 2) -> heights (K,) and gradients (K, 2)."""
        x, y = points.T
        return self.value(x, y), np.stack(np.broadcast_arrays(*self.gradient(x, y)), axis=1)

    def grid(self, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """xs (side,), ys (side,) and the heights (side, side), whose entry [i, j] lies at xs[j], ys[i]."""
        xs, ys = np.linspace(*self.x_range, side), np.linspace(*self.y_range, side)
        return xs, ys, self.value(xs, ys[:, None])


def _beale(x: Any, y: Any) -> list[tuple[Any, int]]:
    """The three terms that are squared, each with the power of y in it."""
    return [(c - x + x * y**n, n) for c, n in ((1.5, 1), (2.25, 2), (2.625, 3))]


SURFACES = {
    surface.name: surface
    for surface in (
        Surface(
            "bowl", "Bowl", r"f(x, y) = x^2 + y^2",
            "Equally steep on all sides: the gradient points straight at the minimum, so all take the same road.",
            lambda x, y: x**2 + y**2, lambda x, y: (2 * x, 2 * y),
            (-3.0, 3.0), (-3.0, 3.0), (-2.5, 2.0), 0.1, (0.0, 0.0),
        ),
        Surface(
            "ravine", "Ravine", r"f(x, y) = 0.05\,x^2 + 2\,y^2",
            "Steep across, almost flat along: plain descent jumps from wall to wall and hardly moves along the floor.",
            lambda x, y: 0.05 * x**2 + 2 * y**2, lambda x, y: (0.1 * x, 4 * y),
            (-6.0, 6.0), (-3.0, 3.0), (-5.0, 2.0), 0.3, (0.0, 0.0),
        ),
        Surface(
            "saddle", "Saddle", r"f(x, y) = x^2 - y^2",
            "Down on two sides, up on the other two. Next to the ridge the slope is small: who leaves it first?",
            lambda x, y: x**2 - y**2, lambda x, y: (2 * x, -2 * y),
            (-2.0, 2.0), (-2.0, 2.0), (-1.8, 0.01), 0.03, None,
        ),
        Surface(
            "rosenbrock", "Rosenbrock", r"f(x, y) = (1 - x)^2 + 100\,(y - x^2)^2",
            "A bent, narrow valley with a nearly flat floor: to find it is easy, to follow it to the minimum is not.",
            lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
            lambda x, y: (-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)),
            (-2.0, 2.0), (-1.0, 3.0), (-1.5, 2.0), 0.001, (1.0, 1.0),
        ),
        Surface(
            "beale", "Beale", r"f(x, y) = (1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2",
            "A wide flat plain with steep corners: gradients differ a thousandfold, which suits those that scale them.",
            lambda x, y: sum(term**2 for term, _ in _beale(x, y)),
            lambda x, y: (
                sum(2 * term * (y**n - 1) for term, n in _beale(x, y)),
                sum(2 * term * n * x * y ** (n - 1) for term, n in _beale(x, y)),
            ),
            (-4.5, 4.5), (-4.5, 4.5), (1.0, 1.5), 0.003, (3.0, 0.5),
        ),
    )
}  # fmt: skip
