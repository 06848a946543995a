"""From the columns of a file to the inputs of a network, as one value that can be saved and replayed on new rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from data.names import unique

MISSING = "(missing)"
MAX_COLUMNS, MAX_CHARACTERS = 5000, 25_000  # of a recipe from outside, and of each of its names
DAMAGED = "The recipe from columns to inputs is damaged"


@dataclass(frozen=True)
class InputColumn:
    """A column of a file that makes inputs of a network."""

    name: str  # as in the file
    categories: tuple[str, ...] = ()  # the words, an input each, as in the file; () for numbers
    marked: bool = False  # whether one more input says that the cell is a gap
    fill: float | str | None = None  # of a gap, found in the training part; None: a gap cannot be filled

    @property
    def width(self) -> int:
        """Number of inputs."""
        return (len(self.categories) or 1) + self.marked

    @property
    def input_names(self) -> list[str]:
        if self.categories:
            return [f"{self.name} = {word}" for word in (*self.categories, *([MISSING] * self.marked))]
        return [self.name, *([f"{self.name} {MISSING}"] * self.marked)]

    def encode(self, values: np.ndarray) -> np.ndarray:
        """values (N,): numbers with NaN for gaps, or places of words among the categories with -1 -> (N, width)."""
        x = np.empty((len(values), self.width))
        if not self.categories:
            gaps = np.isnan(values)
            x[:, 0] = values if self.fill is None else np.where(gaps, self.fill, values)
            if self.marked:
                x[:, 1] = gaps
            return x
        of_gap = len(self.categories) if self.marked else -1
        if not self.marked and self.fill is not None:
            of_gap = self.categories.index(str(self.fill))
        places = np.where(values < 0, of_gap, values)
        x[:] = places[:, None] == np.arange(self.width)
        x[places < 0] = np.nan
        return x


@dataclass(frozen=True)
class Recipe:
    """How rows of a file become inputs, and what reading a file of new rows leaves open.

    Numbers are standardized after this, with the mean and the deviation of the training part.
    """

    columns: tuple[InputColumn, ...]  # in the order of the inputs
    names: tuple[str, ...] = ()  # all columns of the training file, in order
    target: str = ""
    ids: tuple[str, ...] = ()  # columns that only identify the rows
    header: bool = True  # whether the training file had a line of names
    encoding: str = "utf-8"
    separator: str = ","
    decimal: str = ""  # the marks of numbers; "" and "": the training file has none
    thousands: str = ""
    missing: tuple[str, ...] | None = None  # the user's words for a gap; None: the usual ones
    pixels: bool = False  # whether the columns are the pixels of a picture, from 0 to 255

    @classmethod
    def of_numbers(cls, names: Sequence[str], *, pixels: bool = False) -> Recipe:
        """Columns of numbers that are inputs as they are."""
        return cls(tuple(map(InputColumn, names)), tuple(names), pixels=pixels)

    @property
    def inputs(self) -> int:
        return sum(column.width for column in self.columns)

    @property
    def input_names(self) -> tuple[str, ...]:
        return tuple(unique([name for column in self.columns for name in column.input_names]))

    @property
    def groups(self) -> tuple[tuple[int, int], ...]:
        """The inputs start:stop that are 0 and 1: the words of each column, and the mark of each column of numbers."""
        found, start = [], 0
        for column in self.columns:
            stop = start + column.width
            if column.categories or column.marked:
                found.append((start if column.categories else start + 1, stop))
            start = stop
        return tuple(found)

    def with_fill(self, fill: np.ndarray) -> Recipe:
        """The recipe that fills gaps with these inputs (D,)."""
        columns, start = [], 0
        for column in self.columns:
            own = fill[start : start + (len(column.categories) or 1)]
            value = column.categories[int(own.argmax())] if column.categories else float(own[0])
            columns.append(replace(column, fill=value))
            start += column.width
        return replace(self, columns=tuple(columns))

    def encode(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """values: (N,) of each column; see InputColumn.encode. Returns (N, inputs) float64, NaN for unfilled gaps."""
        return np.concatenate([c.encode(v) for c, v in zip(self.columns, values, strict=True)], axis=1)

    # As JSON ---------------------------------------------------------------------------------------------------------

    def to_values(self) -> dict[str, Any]:
        """Plain values, without those that are at their defaults."""
        return {**_changed(self), "columns": [_changed(column) for column in self.columns]}

    @classmethod
    def from_values(cls, values: Any) -> Recipe:
        """The recipe of plain values from outside. Raises ValueError, in a sentence, if they are not those of one."""
        values = _known(cls, values)
        columns = tuple(_column(column) for column in _items(values.pop("columns", None)))
        values |= {name: texts(values[name]) for name in ("names", "ids") if name in values}
        if values.get("missing") is not None:
            values["missing"] = texts(values["missing"])
        recipe = cls(columns, **values)
        marks = (recipe.target, recipe.encoding, recipe.separator, recipe.decimal, recipe.thousands)
        if not (columns and all(map(_is_text, marks)) and type(recipe.header) is type(recipe.pixels) is bool):
            raise ValueError(f"{DAMAGED}: columns and texts are expected.")
        if recipe.decimal not in ("", ".", ",") or recipe.thousands not in ("", ".", ","):
            raise ValueError(f"{DAMAGED}: it spells numbers in an unknown way.")
        return recipe


def _changed(value: InputColumn | Recipe) -> dict[str, Any]:
    return {each.name: found for each in fields(value) if (found := getattr(value, each.name)) != each.default}


def _known(kind: type, values: Any) -> dict[str, Any]:
    if not isinstance(values, dict) or values.keys() - {each.name for each in fields(kind)}:
        raise ValueError(f"{DAMAGED}: it has unknown parts.")
    return dict(values)


def _column(values: Any) -> InputColumn:
    values = _known(InputColumn, values)
    categories, fill = texts(values.get("categories", [])), values.get("fill")
    column = InputColumn(values.get("name", ""), categories, values.get("marked", False), fill)
    if not _is_text(column.name) or type(column.marked) is not bool or len(set(categories)) < len(categories):
        raise ValueError(f"{DAMAGED}: a column has no name, or a word twice.")
    number = type(fill) in (int, float) and math.isfinite(fill)  # pyrefly: ignore
    if fill is not None and not (fill in categories if categories else number):
        raise ValueError(f"{DAMAGED}: a gap is filled with something that does not occur.")
    return column


def _items(values: Any) -> Sequence[Any]:
    if not isinstance(values, list | tuple) or len(values) > MAX_COLUMNS:
        raise ValueError(f"{DAMAGED}: a list of at most {MAX_COLUMNS:,} is expected.")
    return values


def texts(values: Any) -> tuple[str, ...]:
    """A list of texts from outside. Raises ValueError, in a sentence, for anything else."""
    if not all(map(_is_text, _items(values))):
        raise ValueError(f"{DAMAGED}: a list of words is expected.")
    return tuple(values)


def _is_text(value: Any) -> bool:
    """Whether it is a text that can be written to a file."""
    try:
        return isinstance(value, str) and len(value) <= MAX_CHARACTERS and value.encode() is not None
    except UnicodeEncodeError:  # half of a pair, which JSON can hold
        return False
