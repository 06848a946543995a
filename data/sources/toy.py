"""Toy problems in the plane, small enough to see whole: six to classify, two surfaces to fit.
Each is drawn from two generators, one that places the points and one that shakes them, so that noise moves no draw."""

from __future__ import annotations

import numpy as np

from data.dataset import Raw, Source

EXTENT = (-6.0, 6.0)  # the plane shown, on both axes
REACH = 5.0  # how far from the middle the classes lie
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


def _taking_turns(samples: int, classes: int) -> np.ndarray:
    """Class numbers (N,) in equal shares, within one."""
    return np.arange(samples) % classes


def _shift(samples: int, size: float, shake: Generator) -> np.ndarray:
    """Moves (N, 2), uniform within `size` along each axis."""
    return size * shake.uniform(-1, 1, (samples, 2))


def circle(samples: int, noise: float, place: Generator, shake: Generator) -> Raw:
    """A disc within a ring. Noise decides the class from a shifted copy of the point; the point stays."""
    inside = _taking_turns(samples, 2)
    radius = REACH * place.uniform(np.where(inside, 0.0, 0.7), np.where(inside, 0.5, 1.0))
    angle = place.uniform(0, 2 * np.pi, samples)
    points = radius[:, None] * np.column_stack([np.sin(angle), np.cos(angle)])
    seen = points + _shift(samples, REACH * noise, shake)
    return Raw(points, np.hypot(*seen.T) < 0.5 * REACH, inside)


def xor(samples: int, noise: float, place: Generator, shake: Generator) -> Raw:
    """Four quadrants, opposite ones alike, with a gap between. Noise works as for the circle."""
    quadrant = _taking_turns(samples, 4)
    signs = np.column_stack([np.where(quadrant < 2, 1, -1), np.where(quadrant % 2, -1, 1)])
    points = signs * (0.3 + place.uniform(0, REACH, (samples, 2)))
    seen = points + _shift(samples, REACH * noise, shake)
    return Raw(points, seen.prod(axis=1) >= 0, signs.prod(axis=1) > 0)


def gauss(samples: int, noise: float, place: Generator, shake: Generator) -> Raw:
    """Two round clouds. Noise widens them: variance 0.5 without, 4 at most."""
    upper = _taking_turns(samples, 2)
    centre = np.where(upper, 2.0, -2.0)[:, None]
    return Raw(centre + np.sqrt(0.5 + 7 * noise) * place.standard_normal((samples, 2)), upper, upper)


def _spiral(samples: int, noise: float, place: Generator, shake: Generator, arms: int, turns: float) -> Raw:
    arm = _taking_turns(samples, arms)
    along = (np.arange(samples) + arms * place.random(samples)) / (samples + arms)  # 0 in the middle, 1 at the tip
    angle = 2 * np.pi * (turns * along + (arm + 1) / arms)
    points = REACH * along[:, None] * np.column_stack([np.sin(angle), np.cos(angle)])
    return Raw(points + _shift(samples, noise, shake), arm, arm)


def spiral(samples: int, noise: float, place: Generator, shake: Generator) -> Raw:
    """Two arms wound around each other. Noise shifts the points."""
    return _spiral(samples, noise, place, shake, arms=2, turns=1.75)


def spiral3(samples: int, noise: float, place: Generator, shake: Generator) -> Raw:
    """Three arms, fewer turns. Noise shifts the points."""
    return _spiral(samples, noise, place, shake, arms=3, turns=1.25)


def moons(samples: int, noise: float, place: Generator, shake: Generator) -> Raw:
    """Two half circles, each reaching into the other. Noise shifts the points."""
    lower = _taking_turns(samples, 2)
    angle = np.pi * (lower + place.random(samples))
    middle = np.column_stack([lower - 0.5, 0.25 - 0.5 * (1 - lower)])
    arc = np.column_stack([np.cos(angle), np.sin(angle)])
    return Raw(3.2 * (middle + arc) + _shift(samples, 2 * noise, shake), lower, lower)


def plane_height(points: np.ndarray) -> np.ndarray:
    """Height (N,) of the tilted plane at points (N, 2): -1 in one corner, 1 in the opposite one."""
    return points.sum(axis=1) / (2 * EXTENT[1])


def hills_height(points: np.ndarray) -> np.ndarray:
    """Height (N,) of the hills and hollows at points (N, 2)."""
    squared = ((points[:, None, :] - HILLS[:, :2]) ** 2).sum(axis=2)  # (N, hills)
    return np.exp(-squared / (2 * HILL_WIDTH**2)) @ HILLS[:, 2]


def _surface(height, samples: int, noise: float, place: Generator, shake: Generator) -> Raw:
    points = place.uniform(*EXTENT, (samples, 2))
    seen = points + _shift(samples, EXTENT[1] * noise, shake)
    return Raw(points, np.clip(height(seen), -1, 1), np.zeros(samples, dtype=np.int64))


def plane(samples: int, noise: float, place: Generator, shake: Generator) -> Raw:
    """A tilted plane. Noise reads the height at a shifted copy of the point, within -1 and 1; the point stays."""
    return _surface(plane_height, samples, noise, place, shake)


def hills(samples: int, noise: float, place: Generator, shake: Generator) -> Raw:
    """Three hills and three hollows. Noise works as for the plane."""
    return _surface(hills_height, samples, noise, place, shake)


def _toy(name: str, label: str, make, class_names: tuple[str, ...], sentence: str) -> Source:
    kind = "classification" if class_names else "regression"
    return Source(name, label, kind, sentence, samples=500, make=make, class_names=class_names, plane=True)


TOYS = (
    _toy(
        "gauss",
        "Two clouds",
        gauss,
        ("lower left", "upper right"),
        "Two round clouds that one straight line divides; see that a network without hidden layers is enough.",
    ),
    _toy(
        "circle",
        "Circle",
        circle,
        ("ring", "disc"),
        "A disc within a ring; try x1^2 and x2^2 as inputs, or three hidden neurons.",
    ),
    _toy(
        "xor",
        "Exclusive or",
        xor,
        ("signs differ", "signs agree"),
        "Opposite quadrants belong together, so no line divides them; add a hidden layer, or the input x1*x2.",
    ),
    _toy(
        "moons",
        "Two moons",
        moons,
        ("upper", "lower"),
        "Two half circles reaching into each other; find the smallest hidden layer that bends the border far enough.",
    ),
    _toy(
        "spiral",
        "Spiral",
        spiral,
        ("first arm", "second arm"),
        "Two arms wound around each other; try more neurons, a second hidden layer and the sines as inputs.",
    ),
    _toy(
        "spiral3",
        "Three spirals",
        spiral3,
        ("first", "second", "third"),
        "Three arms and three classes; watch three regions share the plane.",
    ),
    _toy(
        "plane",
        "Plane",
        plane,
        (),
        "A height that grows evenly towards one corner; see that a network without hidden layers fits it.",
    ),
    _toy(
        "hills",
        "Multi-Gaussian",
        hills,
        (),
        "Three hills and three hollows to fit; watch neurons share them out, and count how many it takes.",
    ),
)
