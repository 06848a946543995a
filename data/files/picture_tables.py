"""Pictures in a table: one row each, with a column for the label and one for each pixel of an n by n square.

Kaggle's digits and many course data sets have this form. The table is read in chunks and stored as bytes.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from typing import IO

import numpy as np
import pandas as pd

from data.files.table_files import MAX_BYTES, MAX_ROWS, decoded, has_header, shape, unpacked
from data.files.user_data import PreparedData, UserDataError, clean, pixel_names, unique

SIDES = range(5, 65)  # smaller tables of whole numbers are assumed to be measurements
MAX_CLASSES = 50
LABELS = {"label", "labels", "class", "target", "digit", "y"}
CHUNK_ROWS = 2048


def label_column(head: list[list[str]]) -> int | None:
    """The index of the label column, given the first lines of a table; None if the rest are not n*n pixels 0 to 255."""
    width = len(head[0])
    rows = head[1:] if has_header(head) else head
    if math.isqrt(width - 1) not in SIDES or math.isqrt(width - 1) ** 2 != width - 1 or not rows:
        return None
    names = [name.strip().lower() for name in head[0]]
    label = next((i for i, name in enumerate(names) if name in LABELS), 0)
    pixels = (cell for row in rows for i, cell in enumerate(row) if i != label)
    return label if all(cell.strip().isdecimal() and int(cell) <= 255 for cell in pixels) else None


def read_pictures(content: bytes, title: str, most_bytes: int = MAX_BYTES) -> PreparedData | None:
    """The pictures of a table, or None if it is another kind of table. Raises UserDataError."""
    text, _ = decoded(unpacked(content, most_bytes))
    separator, head = shape(text)
    if (label := label_column(head)) is None:
        return None
    side = math.isqrt(len(head[0]) - 1)
    pixels, labels = parse(io.StringIO(text), separator, label, side, has_header(head))
    y, names = numbered(labels)
    return PreparedData("own_images", clean(title), "classification", pixels, y, pixel_names(side), names,
                    image_shape=(side, side))  # fmt: skip


def parse(file: IO[str], separator: str, label: int, side: int, header: bool) -> tuple[np.ndarray, list[str]]:
    """Pixels (N, side * side) uint8 and the labels as text. Raises UserDataError."""
    parts: list[np.ndarray] = []
    labels: list[str] = []
    for chunk in _chunks(file, separator, label, side, header):
        labels += chunk.pop(label).str.strip().tolist()
        values = chunk.to_numpy()
        if values.dtype.kind not in "iu" or values.min() < 0 or values.max() > 255:
            raise UserDataError(
                f"Between the pictures {len(labels) - len(chunk) + 1:,} and {len(labels):,} a pixel is not "
                "a whole number from 0 to 255; only those are allowed."
            )
        parts.append(values.astype(np.uint8))
        if len(labels) > MAX_ROWS:
            raise UserDataError(f"The table has more than the {MAX_ROWS:,} pictures that are allowed.")
    return np.concatenate(parts), labels


def _chunks(file: IO[str], separator: str, label: int, side: int, header: bool) -> Iterator[pd.DataFrame]:
    columns = list(range(side * side + 1))
    try:
        yield from pd.read_csv(file, sep=separator, header=None, names=columns, skiprows=int(header), index_col=False,
                               dtype={label: str}, na_filter=False, engine="c", chunksize=CHUNK_ROWS)  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError, OverflowError) as problem:
        if isinstance(problem, UserDataError):
            raise
        raise UserDataError(
            f"A line of the pictures does not have a label and {side * side:,} pixels; every line must."
        ) from None


def numbered(labels: list[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class numbers (N,) and class names, sorted numerically or alphabetically. Raises UserDataError."""
    names = sorted(set(labels), key=_size)
    if not 2 <= len(names) <= MAX_CLASSES:
        raise UserDataError(f"There are {len(names):,} different labels; 2 to {MAX_CLASSES} are allowed.")
    number_of = {name: number for number, name in enumerate(names)}
    y = np.array([number_of[label] for label in labels], dtype=np.int64)
    counts = np.bincount(y)
    if counts.min() < 2:
        raise UserDataError(
            f"The label {clean(names[counts.argmin()])} occurs once; every label must occur at least twice."
        )
    return y, tuple(unique([clean(name) for name in names]))


def _size(name: str) -> tuple[float, str]:
    try:
        return float(name), ""
    except ValueError:
        return math.inf, name
