"""Points that a user drew or uploaded: packed into a short text that fits into a link, and the data set made of them.

Positions are rounded to 1/256 of the plane's side and classes are numbers from 0 to 4, so a link reproduces the points
exactly."""

from __future__ import annotations

import base64
import sys
import zlib
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np

from data.dataset import Raw, Source
from data.plane import EXTENT

NAME = "drawn"
GRID_CELLS, MAX_CLASSES, MAX_POINTS = 256, 5, 2000
MAX_TEXT_CHARACTERS = 12_000  # far more than MAX_POINTS can take
MAX_POINTS_IN_LINK = 500  # about 2000 characters
ALLOWED = f"2 to {MAX_POINTS:,} points [x, y, class] with whole classes from 0 to {MAX_CLASSES - 1}"


def pack(points: Sequence[Sequence[Any]]) -> str:
    """Points [x, y, class] -> text. Positions outside the plane are clipped to it. Raises ValueError."""
    if not 1 <= len(points) <= MAX_POINTS or not all(_is_point(point) for point in points):
        raise ValueError(f"Allowed: {ALLOWED}.")
    low, high = EXTENT
    values = np.array(points, np.float64)
    positions = np.clip(values[:, :2], low, high)
    cells = np.minimum(np.floor((positions - low) / (high - low) * GRID_CELLS), GRID_CELLS - 1)
    table = np.column_stack([cells, values[:, 2]]).astype(np.uint8)
    return base64.urlsafe_b64encode(zlib.compress(table.T.tobytes(), 9)).decode().rstrip("=")


def _is_point(point: Any) -> bool:
    if not isinstance(point, list | tuple) or len(point) != 3:
        return False
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in point):
        return False
    *position, label = point
    return all(abs(value) <= sys.float_info.max for value in position) and label in range(MAX_CLASSES)


@lru_cache(maxsize=32)
def unpack(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Text -> positions (N, 2) at the centers of their cells and class numbers (N,), read-only. Raises ValueError."""
    try:
        if len(text) > MAX_TEXT_CHARACTERS:
            raise ValueError
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        limit = 3 * MAX_POINTS
        opened = zlib.decompressobj()
        table = np.frombuffer(opened.decompress(packed, limit + 1), np.uint8)
        if not (opened.eof and 0 < table.size <= limit and table.size % 3 == 0):
            raise ValueError
        x1, x2, labels = table.reshape(3, -1)
        if labels.max() >= MAX_CLASSES:
            raise ValueError
    except (ValueError, zlib.error):
        raise ValueError(f"Allowed: {ALLOWED}, or a text that a link of this playground holds.") from None
    low, high = EXTENT
    positions = low + (np.column_stack([x1, x2]) + 0.5) * (high - low) / GRID_CELLS
    labels = labels.astype(np.int64)
    for array in (positions, labels):
        array.setflags(write=False)
    return positions, labels


def problem(text: str) -> str:
    """Why these points are no data set, in a few words; empty if they are one."""
    numbers, counts = np.unique(unpack(text or STARTER)[1], return_counts=True)
    if len(numbers) < 2:
        return "only one class"
    return f"only one point of class {numbers[counts.argmin()] + 1}" if counts.min() < 2 else ""


def class_numbers(text: str) -> list[int]:
    """The class numbers that occur, as drawn; the data set renumbers them 0, 1, ..."""
    return np.unique(unpack(text or STARTER)[1]).tolist()


@lru_cache(maxsize=32)
def source(text: str = "") -> Source:
    """The data set of these points, or of a few example points for an empty text. Raises ValueError."""
    positions, labels = unpack(text or STARTER)
    numbers, classes = np.unique(labels, return_inverse=True)
    return Source(
        NAME,
        "Your own points",
        "classification",
        "Points that you draw or upload; see where the network puts the boundary between them.",
        samples=len(positions),
        make=partial(_make, positions, classes),
        plane=True,
        class_names=tuple(f"class {number + 1}" for number in numbers),
    )


def _make(
    positions: np.ndarray,
    classes: np.ndarray,
    samples: int,
    noise: float,
    positions_rng: np.random.Generator,
    noise_rng: np.random.Generator,
) -> Raw:
    """All the points. Noise shifts them."""
    shift = EXTENT[1] * noise * noise_rng.uniform(-1, 1, positions.shape)
    return Raw(positions + shift, classes, classes)


def _starter() -> str:
    """Two dozen points: a ring of one class around a ring of the other."""
    turns = 2 * np.pi * np.arange(12) / 12
    rings = [
        (radius * np.cos(turn), radius * np.sin(turn), label) for label, radius in ((0, 4), (1, 1.5)) for turn in turns
    ]
    return pack(rings)


STARTER = _starter()
