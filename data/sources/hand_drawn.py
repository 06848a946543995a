"""Points that a person drew or uploaded: a short text that fits into a link, and the data set made of them.
A point is kept to 1/256 of the plane's side, its class as a number from 0 to 4: a link gives exactly what was there."""

from __future__ import annotations

import base64
import sys
import zlib
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np

from data.dataset import Raw, Source
from data.preprocessing import stratified_order
from data.sources.toy import EXTENT

NAME = "drawn"
LEVELS, MOST_CLASSES, MOST_POINTS = 256, 5, 2000
LONGEST = 12_000  # characters: far more than MOST_POINTS can take
MOST_IN_LINK = 500  # points: about 2000 characters
ALLOWED = f"2 to {MOST_POINTS:,} points [x, y, class] with whole classes from 0 to {MOST_CLASSES - 1}"


def pack(points: Sequence[Sequence[Any]]) -> str:
    """Points [x, y, class] -> text. Places off the plane count as on its edge. Raises ValueError for anything else."""
    if not 1 <= len(points) <= MOST_POINTS or not all(_is_point(point) for point in points):
        raise ValueError(f"Allowed: {ALLOWED}.")
    low, high = EXTENT
    values = np.array(points, np.float64)
    places = np.clip(values[:, :2], low, high)
    cells = np.minimum(np.floor((places - low) / (high - low) * LEVELS), LEVELS - 1)
    table = np.column_stack([cells, values[:, 2]]).astype(np.uint8)
    return base64.urlsafe_b64encode(zlib.compress(table.T.tobytes(), 9)).decode().rstrip("=")


def _is_point(point: Any) -> bool:
    if not isinstance(point, list | tuple) or len(point) != 3:
        return False
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in point):
        return False
    *place, label = point
    return all(abs(value) <= sys.float_info.max for value in place) and label in range(MOST_CLASSES)


@lru_cache(maxsize=32)
def unpack(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Text -> places (N, 2) in the middle of their cells and class numbers (N,), read-only. Raises ValueError."""
    try:
        if len(text) > LONGEST:
            raise ValueError
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        limit = 3 * MOST_POINTS
        opened = zlib.decompressobj()
        table = np.frombuffer(opened.decompress(packed, limit + 1), np.uint8)
        if not (opened.eof and 0 < table.size <= limit and table.size % 3 == 0):
            raise ValueError
        x1, x2, labels = table.reshape(3, -1)
        if labels.max() >= MOST_CLASSES:
            raise ValueError
    except (ValueError, zlib.error):
        raise ValueError(f"Allowed: {ALLOWED}, or a text that a link of this playground holds.") from None
    low, high = EXTENT
    places = low + (np.column_stack([x1, x2]) + 0.5) * (high - low) / LEVELS
    labels = labels.astype(np.int64)
    for array in (places, labels):
        array.setflags(write=False)
    return places, labels


def problem(text: str) -> str:
    """What keeps these points from being a data set, in a few words; nothing if they are one."""
    numbers, counts = np.unique(unpack(text or STARTER)[1], return_counts=True)
    if len(numbers) < 2:
        return "one class alone"
    return f"a single point of class {numbers[counts.argmin()] + 1}" if counts.min() < 2 else ""


def class_numbers(text: str) -> list[int]:
    """The classes that occur, as they were drawn; the data set counts them 0, 1, ..."""
    return np.unique(unpack(text or STARTER)[1]).tolist()


@lru_cache(maxsize=32)
def source(text: str = "") -> Source:
    """The data set of these points; without any, of a few points to start with. Raises ValueError."""
    places, labels = unpack(text or STARTER)
    numbers, classes = np.unique(labels, return_inverse=True)
    return Source(
        NAME,
        "Your own points",
        "classification",
        "Points that you draw or upload; see where the network puts the border between them.",
        samples=len(places),
        make=partial(_make, places, classes),
        plane=True,
        class_names=tuple(f"class {number + 1}" for number in numbers),
    )


def _make(
    places: np.ndarray,
    classes: np.ndarray,
    samples: int,
    noise: float,
    place: np.random.Generator,
    shake: np.random.Generator,
) -> Raw:
    """The points, or some of them chosen with `place`. Noise shifts them."""
    rows = np.arange(len(places))
    if samples < len(places):
        rows = np.sort(stratified_order(classes, place)[:samples])
    shift = EXTENT[1] * noise * shake.uniform(-1, 1, (len(rows), 2))
    return Raw(places[rows] + shift, classes[rows], classes[rows])


def _starter() -> str:
    """Two dozen points: a ring of one class around a ring of the other."""
    turns = 2 * np.pi * np.arange(12) / 12
    rings = [
        (radius * np.cos(turn), radius * np.sin(turn), label) for label, radius in ((0, 4), (1, 1.5)) for turn in turns
    ]
    return pack(rings)


STARTER = _starter()
