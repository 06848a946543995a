"""Pictures in a table: a row for each, a column for its label and one for each pixel of an n by n square.

So come the digits of Kaggle, and what many a course hands out. They are read in pieces and kept as bytes.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from typing import IO

import numpy as np
import pandas as pd

from data.files.table_files import MOST_BYTES, MOST_ROWS, decoded, has_header, shape, unpacked
from data.files.user_data import OwnError, Prepared, clean, pixel_names, unique

SIDES = range(5, 65)  # smaller tables of whole numbers are measurements
MOST_CLASSES = 50
LABELS = {"label", "labels", "class", "target", "digit", "y"}
PIECE = 2048  # rows


def label_column(head: list[list[str]]) -> int | None:
    """Where the label stands among the first lines of a table; None if the rest are no n*n pixels of 0 to 255."""
    width = len(head[0])
    rows = head[1:] if has_header(head) else head
    if math.isqrt(width - 1) not in SIDES or math.isqrt(width - 1) ** 2 != width - 1 or not rows:
        return None
    names = [name.strip().lower() for name in head[0]]
    label = next((i for i, name in enumerate(names) if name in LABELS), 0)
    pixels = (cell for row in rows for i, cell in enumerate(row) if i != label)
    return label if all(cell.strip().isdecimal() and int(cell) <= 255 for cell in pixels) else None


def read_pictures(content: bytes, title: str, most_bytes: int = MOST_BYTES) -> Prepared | None:
    """The pictures of a table, or None if it is another kind of table. Raises OwnError."""
    text, _ = decoded(unpacked(content, most_bytes))
    separator, head = shape(text)
    if (label := label_column(head)) is None:
        return None
    side = math.isqrt(len(head[0]) - 1)
    pixels, labels = parse(io.StringIO(text), separator, label, side, has_header(head))
    y, names = numbered(labels)
    return Prepared("own_images", clean(title), "classification", pixels, y, pixel_names(side), names,
                    image_shape=(side, side))  # fmt: skip


def parse(file: IO[str], separator: str, label: int, side: int, header: bool) -> tuple[np.ndarray, list[str]]:
    """Pixels (N, side * side) uint8 and the labels as they are written. Raises OwnError."""
    parts: list[np.ndarray] = []
    labels: list[str] = []
    for piece in _pieces(file, separator, label, side, header):
        labels += piece.pop(label).str.strip().tolist()
        values = piece.to_numpy()
        if values.dtype.kind not in "iu" or values.min() < 0 or values.max() > 255:
            raise OwnError(
                f"Between the pictures {len(labels) - len(piece) + 1:,} and {len(labels):,} a pixel is no "
                "whole number from 0 to 255; only those are allowed."
            )
        parts.append(values.astype(np.uint8))
        if len(labels) > MOST_ROWS:
            raise OwnError(f"The table has more than the {MOST_ROWS:,} pictures that are allowed.")
    return np.concatenate(parts), labels


def _pieces(file: IO[str], separator: str, label: int, side: int, header: bool) -> Iterator[pd.DataFrame]:
    columns = list(range(side * side + 1))
    try:
        yield from pd.read_csv(file, sep=separator, header=None, names=columns, skiprows=int(header), index_col=False,
                               dtype={label: str}, na_filter=False, engine="c", chunksize=PIECE)  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError, OverflowError) as problem:
        if isinstance(problem, OwnError):
            raise
        raise OwnError(
            f"A line of the pictures does not hold a label and {side * side:,} pixels; as many in each are allowed."
        ) from None


def numbered(labels: list[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class numbers (N,) and the names of the classes: numbers by size, words by the alphabet. Raises OwnError."""
    names = sorted(set(labels), key=_size)
    if not 2 <= len(names) <= MOST_CLASSES:
        raise OwnError(f"There are {len(names):,} different labels; 2 to {MOST_CLASSES} are allowed.")
    place = {name: number for number, name in enumerate(names)}
    y = np.array([place[label] for label in labels], dtype=np.int64)
    counts = np.bincount(y)
    if counts.min() < 2:
        raise OwnError(f"The label {clean(names[counts.argmin()])} occurs once; at least twice is allowed.")
    return y, tuple(unique([clean(name) for name in names]))


def _size(name: str) -> tuple[float, str]:
    try:
        return float(name), ""
    except ValueError:
        return math.inf, name
