"""Reads and writes points in a text file: two columns of numbers and one of labels.

Files that are too large are refused before they take memory; every error is one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from data.counted import counted
from data.files.user_data import UserDataError
from data.names import clean
from data.plane import EXTENT, REACH
from data.sources.hand_drawn import MAX_CLASSES, MAX_POINTS

MAX_BYTES = 1_000_000


class UploadError(ValueError):
    """Says in a sentence what is wrong with a file and what is allowed."""


class Upload(NamedTuple):
    points: list[list[float]]  # [x, y, class], on the plane
    class_names: list[str]  # the label of each class
    stretched: bool  # whether the columns were scaled to fill the plane
    notes: tuple[str, ...] = ()  # sentences on what was decided and left out


def read_points(content: bytes) -> Upload:
    """Rows of two numbers and a label, with or without a header line, in any layout of a table.

    A fourth column named "part", as in a file written by the playground, is ignored. Classes are numbered in the order
    of their labels. Numbers that fill the plane are kept; others are scaled to -5 to 5. Raises UploadError.
    """
    # Imported here because pandas takes half a second and workers do not need it.
    from data.files.number_spelling import parse
    from data.files.table_files import find_spelling, read_cells
    from data.files.table_layout import Layout

    try:
        cells, frame = read_cells(content, Layout(), MAX_BYTES)
    except UserDataError as problem:
        raise UploadError(str(problem)) from None
    if len(cells) > MAX_POINTS:
        raise UploadError(f"The file has {len(cells):,} points; at most {MAX_POINTS:,} are allowed.")
    columns = list(cells.columns)
    if len(columns) == 4 and [*frame.names, "", "", "", ""][3] == "part":
        columns.pop()
    if len(columns) != 3:
        raise UploadError(
            f"The file has {counted(len(columns), 'column')}; two of numbers and one of labels are allowed."
        )
    spelling, sentence, _ = find_spelling(cells[columns[:2]], frozenset(), frame.layout)
    places = np.stack([parse(cells[i], spelling) for i in columns[:2]], axis=1)
    labels = cells[columns[2]].tolist()
    for row, (place, label) in enumerate(zip(places, labels, strict=True), 1):
        if not np.isfinite(place).all():
            raise UploadError(
                f"Row {row:,} does not start with two finite numbers; two numbers and a label are allowed."
            )
        if not label:
            raise UploadError(f"Row {row:,} has no label; two numbers and a label are allowed.")
    names = _ordered(labels)
    counts = [labels.count(name) for name in names]
    if len(names) < 2 or min(counts) < 2:
        alone = f"the label {clean(names[counts.index(min(counts))])} only once" if len(names) > 1 else "one label only"
        raise UploadError(f"The file has {alone}; 2 to {MAX_CLASSES} labels, each at least twice, are allowed.")
    fitted, stretched = _fitted(places)
    points = [[float(x), float(y), names.index(label)] for (x, y), label in zip(fitted, labels, strict=True)]
    return Upload(points, names, stretched, tuple(filter(None, (*frame.notes, sentence))))


def _ordered(labels: list[str]) -> list[str]:
    """The distinct labels, sorted numerically or alphabetically."""
    names = set(labels)
    if len(names) > MAX_CLASSES:
        raise UploadError(f"The file has {len(names)} different labels; at most {MAX_CLASSES} are allowed.")
    numbers = {name: _number_in(name) for name in names}
    in_words = any(value is None for value in numbers.values())
    return sorted(names, key=lambda name: (0.0 if in_words else numbers[name] or 0.0, name))


def _number_in(text: str) -> float | None:
    """The number in a label, with a decimal point or comma; None for words."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _fitted(places: np.ndarray) -> tuple[np.ndarray, bool]:
    """Positions (N, 2) in the plane and whether they were scaled: they were outside it or too close together."""
    low, high = places.min(axis=0), places.max(axis=0)
    if (low >= EXTENT[0]).all() and (high <= EXTENT[1]).all() and (high - low > (EXTENT[1] - EXTENT[0]) / 4).all():
        return places, False
    spread = np.where(high > low, high - low, 1)
    return (places - (low + high) / 2) / spread * 2 * REACH, True


def as_csv(points: np.ndarray, labels: np.ndarray, parts: Mapping[str, int] | None = None) -> str:
    """Points (N, 2) and class numbers or values (N,) as CSV text.

    parts: number of points in each part, in this order, for a fourth column, which read_points ignores.
    """
    ends = [f",{name}" for name, count in parts.items() for _ in range(count)] if parts else [""] * len(labels)
    rows = (
        f"{x:.6g},{y:.6g},{label:.6g}{end}"
        for (x, y), label, end in zip(points.tolist(), labels.tolist(), ends, strict=True)
    )
    return "\n".join(("x1,x2,label" + (",part" if parts else ""), *rows)) + "\n"
