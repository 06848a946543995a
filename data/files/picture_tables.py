"""Pictures in a table: one row each, with a column for the label and one for each pixel of an n by n square.

Kaggle's digits and many course data sets have this form. The table is read in chunks and stored as bytes.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from typing import IO

import numpy as np
import pandas as pd

from data.files.table_files import MAX_ROWS, column_names, read_frame
from data.files.table_layout import Frame, Layout
from data.files.text_encoding import MAX_BYTES
from data.files.user_data import PreparedData, UserDataError, pixel_names
from data.names import clean
from data.recipe import InputColumn, Recipe

SIDES = range(5, 65)  # smaller tables of whole numbers are assumed to be measurements
MAX_CLASSES = 50
TARGET_NAMES = ("label", "labels", "class", "classes", "target", "targets", "y")  # in this order
CHUNK_ROWS = 2048


def label_column(names: Sequence[str], rows: Sequence[Sequence[str]]) -> int | None:
    """The index of the label column, given the first rows of a table; None if the rest are not n*n pixels 0 to 255."""
    width = len(names)
    if not rows or math.isqrt(width - 1) not in SIDES or math.isqrt(width - 1) ** 2 != width - 1:
        return None
    places = {name.strip().casefold(): i for i, name in reversed(list(enumerate(names)))}
    label = next((places[name] for name in (*TARGET_NAMES, "digit") if name in places), 0)
    pixels = (cell for row in rows for i, cell in enumerate(row) if i != label)
    return label if all(cell.isdecimal() and int(cell) <= 255 for cell in pixels) else None


def read_pictures(
    content: bytes, title: str, most_bytes: int = MAX_BYTES, layout: Layout | None = None
) -> PreparedData | None:
    """The pictures of a table, or None if it is another kind of table. Raises UserDataError."""
    body, frame = read_frame(content, layout or Layout(), most_bytes)
    if (label := label_of(frame)) is None:
        return None
    side = math.isqrt(frame.width - 1)
    file = io.BytesIO(body)
    file.seek(frame.start)
    pixels, labels = parse(file, frame.layout.separator or ",", label, side)
    y, names = numbered(labels)
    given, layout = column_names(frame.names), frame.layout
    target = frame.names[label] or "label"
    columns = tuple(InputColumn(name) for place, name in enumerate(given) if place != label)
    recipe = Recipe(columns, tuple(given), given[label], pixels=True, header=bool(layout.header),
                    encoding=layout.encoding or "utf-8", separator=layout.separator or ",")  # fmt: skip
    return PreparedData("own_images", clean(title), "classification", pixels, y, pixel_names(side), names, target,
                        image_shape=(side, side), recipe=recipe)  # fmt: skip


def label_of(frame: Frame) -> int | None:
    """The index of the label column of a table of pictures, or None if it is another kind of table."""
    rows = [record.cells[: frame.width] for record in frame.sample if len(record.cells) >= frame.width]
    return label_column(frame.names, rows[:20])


def parse(file: IO, separator: str, label: int, side: int) -> tuple[np.ndarray, list[str]]:
    """Pixels (N, side * side) uint8 and the labels as text, from rows in UTF-8. Raises UserDataError."""
    parts: list[np.ndarray] = []
    labels: list[str] = []
    for chunk in _chunks(file, separator, label, side):
        labels += chunk.pop(label).str.strip().tolist()  # pyrefly: ignore
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


def _chunks(file: IO, separator: str, label: int, side: int) -> Iterator[pd.DataFrame]:
    columns = list(range(side * side + 1))
    try:
        yield from pd.read_csv(file, sep=r"\s+" if separator == " " else separator, header=None, names=columns,
                               index_col=False, dtype={label: str}, na_filter=False, engine="c",
                               encoding_errors="replace", chunksize=CHUNK_ROWS)  # fmt: skip
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
    return y, tuple(names)


def _size(name: str) -> tuple[float, str]:
    """Numbers by size, then words; equal numbers by their spelling, so that the order does not depend on a set."""
    try:
        return float(name), name
    except ValueError:
        return math.inf, name
