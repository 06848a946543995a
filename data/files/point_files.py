"""Reads and writes points in a text file: two columns of numbers and one of labels.

Files that are too large are refused before they take memory; every error is one sentence."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from data.plane import EXTENT, REACH
from data.sources.hand_drawn import MAX_CLASSES, MAX_POINTS

MAX_BYTES = 1_000_000
MAX_LINE_CHARACTERS = 1000
SEPARATORS = ";\t,"  # in this order: a comma may also be a decimal comma


class UploadError(ValueError):
    """Says in a sentence what is wrong with a file and what is allowed."""


class Upload(NamedTuple):
    points: list[list[float]]  # [x, y, class], on the plane
    class_names: list[str]  # the label of each class
    stretched: bool  # whether the columns were scaled to fill the plane


def read_points(content: bytes) -> Upload:
    """Rows of two numbers and a label, with or without a header line.

    A fourth column named "part", as in a file written by the playground, is ignored. Columns are separated by
    semicolons, tabs or commas; numbers may have a decimal comma unless commas separate the columns. Classes are
    numbered in the order of their labels. Numbers that fill the plane are kept; others are scaled to -5 to 5.
    Raises UploadError.
    """
    if len(content) > MAX_BYTES:
        raise UploadError(f"The file has {len(content):,} bytes; at most {MAX_BYTES:,} are allowed.")
    lines = [(number, line) for number, line in enumerate(_text(content).splitlines(), 1) if line.strip()]
    if len(lines) > MAX_POINTS + 1:
        raise UploadError(f"The file has {len(lines):,} lines; at most {MAX_POINTS:,} points are allowed.")
    if not lines:
        raise UploadError("The file is empty; rows of two numbers and a label are allowed.")
    separator = next((mark for mark in SEPARATORS if mark in lines[0][1]), ",")
    head = [cell.strip(' "') for cell in lines[0][1].split(separator, 4)]
    width = 4 if head[3:] == ["part"] else 3
    rows = [(number, _cells(number, line, separator, width)) for number, line in lines]
    if all(number_in(cell) is None for cell in rows[0][1][:2]) and len(rows) > 1:
        del rows[0]  # a header line
    places = np.array([_place(number, cells) for number, cells in rows])
    labels = [cells[2] for _, cells in rows]
    names = _ordered(labels)
    counts = [labels.count(name) for name in names]
    if len(names) < 2 or min(counts) < 2:
        alone = f"the label {names[counts.index(min(counts))][:40]!r} only once" if len(names) > 1 else "one label only"
        raise UploadError(f"The file has {alone}; 2 to {MAX_CLASSES} labels, each at least twice, are allowed.")
    fitted, stretched = _fitted(places)
    points = [[float(x), float(y), names.index(label)] for (x, y), label in zip(fitted, labels, strict=True)]
    return Upload(points, names, stretched)


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "latin-1"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
        break
    raise UploadError("The file is not plain text; a CSV file in UTF-8 or Latin-1 is allowed.")


def _cells(number: int, line: str, separator: str, width: int) -> list[str]:
    if len(line) > MAX_LINE_CHARACTERS:
        raise UploadError(f"Line {number} has {len(line):,} characters; at most {MAX_LINE_CHARACTERS:,} are allowed.")
    cells = [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]
    if len(cells) != width or not cells[2]:
        raise UploadError(
            f"Line {number} has {sum(map(bool, cells))} filled columns of {len(cells)}; "
            "two numbers and a label are allowed."
        )
    return cells[:3]


def number_in(text: str) -> float | None:
    """The number in a cell, with a decimal point or comma; None for words."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _place(number: int, cells: list[str]) -> tuple[float, float]:
    x, y = map(number_in, cells[:2])
    if x is None or y is None or not (math.isfinite(x) and math.isfinite(y)) or max(abs(x), abs(y)) > 1e100:
        raise UploadError(f"Line {number} does not start with two finite numbers; two numbers and a label are allowed.")
    return x, y


def _ordered(labels: list[str]) -> list[str]:
    """The distinct labels, sorted numerically or alphabetically."""
    names = set(labels)
    if len(names) > MAX_CLASSES:
        raise UploadError(f"The file has {len(names)} different labels; at most {MAX_CLASSES} are allowed.")
    numbers = {name: number_in(name) for name in names}
    in_words = any(value is None for value in numbers.values())
    return sorted(names, key=lambda name: (0.0 if in_words else numbers[name] or 0.0, name))


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
