"""Toy problems in the plane: six for classification, two surfaces for regression.

Each is drawn from two generators, one for positions and one for noise, so changing the noise keeps the positions."""

from __future__ import annotations

import numpy as np

from data.dataset import Raw, Source
from data.plane import EXTENT, REACH

HILLS = np.array(
    [  # x1, x2, height
        [-4.0, 2.5, 1.0],
        [0.0, 2.5, -1.0],
        [4.0, 2.5, 1.0],
        [-4.0, -2.5, -1.0],
        [0.0, -2.5, 1.0],
        [4.0, -2.5, -1.0],
    ]
)
HILL_WIDTH = 1.2  # standard deviation of a hill

Generator = np.random.Generator


def _alternating_classes(samples: int, classes: int) -> np.ndarray:
    """Class numbers (N,) in equal shares, within one."""
    return np.arange(samples) % classes


def _shift(samples: int, size: float, noise_rng: Generator) -> np.ndarray:
    """Displacements (N, 2), uniform within `size` along each axis."""
    return size * noise_rng.uniform(-1, 1, (samples, 2))


def circle(samples: int, noise: float, positions_rng: Generator, noise_rng: Generator) -> Raw:
    """A disk within a ring. Noise reads the class at a shifted copy of each point; the point itself stays."""
    inside = _alternating_classes(samples, 2)
    radius = REACH * positions_rng.uniform(np.where(inside, 0.0, 0.7), np.where(inside, 0.5, 1.0))
    angle = positions_rng.uniform(0, 2 * np.pi, samples)
    points = radius[:, None] * np.column_stack([np.sin(angle), np.cos(angle)])
    seen = points + _shift(samples, REACH * noise, noise_rng)
    return Raw(points, np.hypot(*seen.T) < 0.5 * REACH, inside)


def xor(samples: int, noise: float, positions_rng: Generator, noise_rng: Generator) -> Raw:
    """Four quadrants with a gap between them; opposite ones share a class. Noise works as for the circle."""
    quadrant = _alternating_classes(samples, 4)
    signs = np.column_stack([np.where(quadrant < 2, 1, -1), np.where(quadrant % 2, -1, 1)])
    points = signs * (0.3 + positions_rng.uniform(0, REACH, (samples, 2)))
    seen = points + _shift(samples, REACH * noise, noise_rng)
    return Raw(points, seen.prod(axis=1) >= 0, signs.prod(axis=1) > 0)


def gauss(samples: int, noise: float, positions_rng: Generator, noise_rng: Generator) -> Raw:
    """Two round Gaussian clouds. Noise increases their variance from 0.5 to 4."""
    upper = _alternating_classes(samples, 2)
    center = np.where(upper, 2.0, -2.0)[:, None]
    return Raw(center + np.sqrt(0.5 + 7 * noise) * positions_rng.standard_normal((samples, 2)), upper, upper)


def _spiral(samples: int, noise: float, positions_rng: Generator, noise_rng: Generator, arms: int, turns: float) -> Raw:
    arm = _alternating_classes(samples, arms)
    along = (np.arange(samples) + arms * positions_rng.random(samples)) / (
        samples + arms
    )  # 0 in the center, 1 at the tip
    angle = 2 * np.pi * (turns * along + (arm + 1) / arms)
    points = REACH * along[:, None] * np.column_stack([np.sin(angle), np.cos(angle)])
    return Raw(points + _shift(samples, noise, noise_rng), arm, arm)


def spiral(samples: int, noise: float, positions_rng: Generator, noise_rng: Generator) -> Raw:
    """Two interleaved spiral arms. Noise shifts the points."""
    return _spiral(samples, noise, positions_rng, noise_rng, arms=2, turns=1.75)


def spiral3(samples: int, noise: float, positions_rng: Generator, noise_rng: Generator) -> Raw:
    """Three interleaved spiral arms with fewer turns. Noise shifts the points."""
    return _spiral(samples, noise, positions_rng, noise_rng, arms=3, turns=1.25)


def moons(samples: int, noise: float, positions_rng: Generator, noise_rng: Generator) -> Raw:
    """Two interleaved half circles. Noise shifts the points."""
    lower = _alternating_classes(samples, 2)
    angle = np.pi * (lower + positions_rng.random(samples))
    middle = np.column_stack([lower - 0.5, 0.25 - 0.5 * (1 - lower)])
    arc = np.column_stack([np.cos(angle), np.sin(angle)])
    return Raw(3.2 * (middle + arc) + _shift(samples, 2 * noise, noise_rng), lower, lower)


def plane_height(points: np.ndarray) -> np.ndarray:
    """Height (N,) of the tilted plane at points (N, 2): -1 in one corner, 1 in the opposite one."""
    return points.sum(axis=1) / (2 * EXTENT[1])


def hills_height(points: np.ndarray) -> np.ndarray:
    """Height (N,) of the hills and valleys at points (N, 2)."""
    squared = ((points[:, None, :] - HILLS[:, :2]) ** 2).sum(axis=2)  # (N, hills)
    return np.exp(-squared / (2 * HILL_WIDTH**2)) @ HILLS[:, 2]


def _surface(height, samples: int, noise: float, positions_rng: Generator, noise_rng: Generator) -> Raw:
    points = positions_rng.uniform(*EXTENT, (samples, 2))
    seen = points + _shift(samples, EXTENT[1] * noise, noise_rng)
    return Raw(points, np.clip(height(seen), -1, 1), np.zeros(samples, dtype=np.int64))


def plane(samples: int, noise: float, positions_rng: Generator, noise_rng: Generator) -> Raw:
    """A tilted plane. Noise reads the height at a shifted copy of each point, clipped to -1 and 1.

    Not the plane of TensorFlow Playground, whose height is (x1 + x2) / 10, not clipped.
    """
    return _surface(plane_height, samples, noise, positions_rng, noise_rng)


def hills(samples: int, noise: float, positions_rng: Generator, noise_rng: Generator) -> Raw:
    """Three hills and three valleys, sums of Gaussians. Noise works as for the plane.

    Not the surface of TensorFlow Playground, which is made of cones, the largest at each point.
    """
    return _surface(hills_height, samples, noise, positions_rng, noise_rng)


def _toy(name: str, label: str, make, class_names: tuple[str, ...], sentence: str) -> Source:
    kind = "classification" if class_names else "regression"
    return Source(name, label, kind, sentence, samples=500, make=make, class_names=class_names, plane=True)


TOYS = (
    _toy(
        "gauss",
        "Two clouds",
        gauss,
        ("lower left", "upper right"),
        "Two round clouds that a straight line separates; a network without hidden layers is enough.",
    ),
    _toy(
        "circle",
        "Circle",
        circle,
        ("ring", "disk"),
        "A disk within a ring; try x1^2 and x2^2 as inputs, or three hidden neurons.",
    ),
    _toy(
        "xor",
        "Exclusive or",
        xor,
        ("signs differ", "signs agree"),
        "Opposite quadrants share a class, so no line separates them; add a hidden layer or the input x1*x2.",
    ),
    _toy(
        "moons",
        "Two moons",
        moons,
        ("upper", "lower"),
        "Two interleaved half circles; find the smallest hidden layer that separates them.",
    ),
    _toy(
        "spiral",
        "Spiral",
        spiral,
        ("first arm", "second arm"),
        "Two interleaved spiral arms; try more neurons, a second hidden layer and the sines as inputs.",
    ),
    _toy(
        "spiral3",
        "Three spirals",
        spiral3,
        ("first", "second", "third"),
        "Three spiral arms and three classes; watch the plane divide into three regions.",
    ),
    _toy(
        "plane",
        "Plane",
        plane,
        (),
        "A height that rises linearly toward one corner; a network without hidden layers fits it.",
    ),
    _toy(
        "hills",
        "Multi-Gaussian",
        hills,
        (),
        "Three hills and three valleys to fit; find out how many neurons it takes.",
    ),
)
