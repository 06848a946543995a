"""A person's own points out of a text file: two columns of numbers and one of labels. And points back into such a file.
What is too large is refused before it takes memory, and each refusal is one sentence."""

from __future__ import annotations

import csv
import math
from typing import NamedTuple

import numpy as np

from data.sources.hand_drawn import MOST_CLASSES, MOST_POINTS
from data.sources.toy import EXTENT, REACH

MOST_BYTES = 1_000_000
LONGEST_LINE = 1000  # characters
SEPARATORS = ";\t,"  # in this order: a comma may also stand in a number


class UploadError(ValueError):
    """Says in a sentence what is wrong with a file and what is allowed."""


class Upload(NamedTuple):
    points: list[list[float]]  # [x, y, class], on the plane
    class_names: list[str]  # what the labels were, class by class
    stretched: bool  # whether the columns were scaled to fill the plane


def read_points(content: bytes) -> Upload:
    """Rows of two numbers and a label, under a line of names or not.

    A fourth column called "part", as a file of this playground has it, is passed over.
    Columns are separated by semicolons, tabs or commas; numbers may have a decimal comma unless commas separate.
    Classes are numbered in the order of their labels. Numbers that already fill the plane stay as they are, others are
    stretched from -5 to 5. Raises UploadError.
    """
    if len(content) > MOST_BYTES:
        raise UploadError(f"The file has {len(content):,} bytes; at most {MOST_BYTES:,} are allowed.")
    lines = [(number, line) for number, line in enumerate(_text(content).splitlines(), 1) if line.strip()]
    if len(lines) > MOST_POINTS + 1:
        raise UploadError(f"The file has {len(lines):,} lines; at most {MOST_POINTS:,} points are allowed.")
    if not lines:
        raise UploadError("The file is empty; rows of two numbers and a label are allowed.")
    separator = next((mark for mark in SEPARATORS if mark in lines[0][1]), ",")
    head = [cell.strip(' "') for cell in lines[0][1].split(separator, 4)]
    width = 4 if head[3:] == ["part"] else 3
    rows = [(number, _cells(number, line, separator, width)) for number, line in lines]
    if all(number_in(cell) is None for cell in rows[0][1][:2]) and len(rows) > 1:
        del rows[0]  # a line of names
    places = np.array([_place(number, cells) for number, cells in rows])
    labels = [cells[2] for _, cells in rows]
    names = _ordered(labels)
    counts = [labels.count(name) for name in names]
    if len(names) < 2 or min(counts) < 2:
        alone = f"the label {names[counts.index(min(counts))][:40]!r} only once" if len(names) > 1 else "one label only"
        raise UploadError(f"The file has {alone}; 2 to {MOST_CLASSES} labels, each at least twice, are allowed.")
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
    raise UploadError("The file is no plain text; a CSV file in UTF-8 or Latin-1 is allowed.")


def _cells(number: int, line: str, separator: str, width: int) -> list[str]:
    if len(line) > LONGEST_LINE:
        raise UploadError(f"Line {number} has {len(line):,} characters; at most {LONGEST_LINE:,} are allowed.")
    cells = [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]
    if len(cells) != width or not cells[2]:
        raise UploadError(
            f"Line {number} has {sum(map(bool, cells))} filled columns of {len(cells)}; "
            "two numbers and a label are allowed."
        )
    return cells[:3]


def number_in(text: str) -> float | None:
    """The number that a cell holds, maybe with a decimal comma; None for words."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _place(number: int, cells: list[str]) -> tuple[float, float]:
    x, y = map(number_in, cells[:2])
    if x is None or y is None or not (math.isfinite(x) and math.isfinite(y)) or max(abs(x), abs(y)) > 1e100:
        raise UploadError(f"Line {number} does not begin with two ordinary numbers; those and a label are allowed.")
    return x, y


def _ordered(labels: list[str]) -> list[str]:
    """Every label once: numbers by size, words by the alphabet."""
    names = set(labels)
    if len(names) > MOST_CLASSES:
        raise UploadError(f"The file has {len(names)} different labels; at most {MOST_CLASSES} are allowed.")
    numbers = {name: number_in(name) for name in names}
    in_words = any(value is None for value in numbers.values())
    return sorted(names, key=lambda name: (0.0 if in_words else numbers[name] or 0.0, name))


def _fitted(places: np.ndarray) -> tuple[np.ndarray, bool]:
    """Places (N, 2) on the plane, and whether they had to be stretched: they were off it, or hard to tell apart."""
    low, high = places.min(axis=0), places.max(axis=0)
    if (low >= EXTENT[0]).all() and (high <= EXTENT[1]).all() and (high - low > (EXTENT[1] - EXTENT[0]) / 4).all():
        return places, False
    spread = np.where(high > low, high - low, 1)
    return (places - (low + high) / 2) / spread * 2 * REACH, True


def as_csv(points: np.ndarray, labels: np.ndarray, trained: np.ndarray | None = None) -> str:
    """Points (N, 2) and class numbers or values (N,) as CSV text of numbers only: no program takes it for formulas.

    trained: (N,) whether each belongs to the training part, for a fourth column; read_points takes no notice of it.
    """
    parts = [""] * len(labels) if trained is None else [",train" if one else ",test" for one in trained]
    rows = (
        f"{x:.6g},{y:.6g},{label:.6g}{part}"
        for (x, y), label, part in zip(points.tolist(), labels.tolist(), parts, strict=True)
    )
    return "\n".join(("x1,x2,label" + ("" if trained is None else ",part"), *rows)) + "\n"
