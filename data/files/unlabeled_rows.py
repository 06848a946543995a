"""Reads new rows from a table for a network, with the reader of tables and the recipe of its training file.

The rows are read in pieces, so a long file takes little memory; every error is one sentence."""

from __future__ import annotations

import contextlib
import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from data.counted import counted
from data.files.number_spelling import Spelling, decide, looks_like_number, parse_with_words
from data.files.table_files import (
    MAX_BESIDE,
    MAX_CELLS,
    column_names,
    find_evidence,
    gap_words,
    is_gap,
    is_id,
    listed,
    read_column,
    reading_options,
    wider,
    without_other_lines,
)
from data.files.table_layout import SEPARATORS, Frame, Layout, find_frame
from data.files.text_encoding import COMMON, LETTERS, as_utf8, unicode_form, unpacked
from data.files.user_data import UserDataError
from data.names import clean
from data.recipe import MISSING, InputColumn, Recipe

MAX_BYTES = 60 << 20  # Kaggle's test.csv of 28,000 digits has 51 million
MAX_ROWS, MAX_NAME_CHARACTERS = 100_000, 40
MAX_LINES_ABOVE = 100  # the names
LISTED = 5  # names in a sentence


class UnlabeledRowsError(ValueError):
    """Says in a sentence what is wrong with a file and what is allowed."""


class UnlabeledRows:
    """The rows of a file as raw examples (n, D) of a network, in pieces of at most `rows`.

    Columns are matched by their names, or by their number in a file without a line of names. Gaps, and words that
    training did not have, are filled as in training if the recipe says with what. Pixels may also be named pixel0,
    pixel1, ... or pixel1, pixel2, ... left_out: the names of unused columns. Raises UnlabeledRowsError, and so does
    the iteration, after which `ids` and `notes` are complete.
    """

    def __init__(self, content: bytes, recipe: Recipe, *, rows: int = 1000) -> None:
        self.recipe, self.rows = recipe, rows
        self.ids: list[str] = []  # the cells of the column of ids, if there is one
        self._missing = gap_words(recipe.missing)
        self._filled: dict[InputColumn, int] = {}
        self._strange: dict[InputColumn, list[str]] = {}  # words where a number or another word is expected
        try:
            content = unpacked(content, MAX_BYTES)
            self.body, encoding, said = as_utf8(content, _encoding(content, recipe))
            self.frame, self.names = _find_frame(self.body, encoding, recipe)
            if (places := _places(self.names, recipe)) is None:
                raise UserDataError(_lacking(self.frame, recipe))
        except UserDataError as problem:
            raise UnlabeledRowsError(str(problem)) from None
        self.places = places
        known = (i for i, name in enumerate(self.names) if name in recipe.ids)
        self.id_place = next(known, None)
        self.left_out = [name for i, name in enumerate(self.names) if i not in {*self.places, self.id_place}]
        self._said = [*said, *self.frame.notes]

    def heading(self, has_classes: bool) -> tuple[str, str]:
        """The names of the ids and of the predictions, for a table of them."""
        pixels = self.recipe.pixels
        ids = ("ImageId" if pixels else "Id") if self.id_place is None else self.names[self.id_place]
        target = "" if pixels else self.recipe.target
        return ids, target or ("Label" if has_classes else "Value")

    @property
    def notes(self) -> list[str]:
        """Sentences: how the file was read, what was passed over, unknown and filled."""
        notes = list(self._said)
        if self.left_out:
            notes.append(f"Ignored: {listed(self.left_out, LISTED)}.")
        for column, words in self._strange.items():
            shown = ", ".join(f"“{clean(word)}”" for word in list(dict.fromkeys(words))[:3])
            what = "no word of the training data" if column.categories else "no number"
            count = "1 cell is" if len(words) == 1 else f"{len(words):,} cells are"
            notes.append(f"{clean(column.name)}: {count} {what} ({shown}) and a gap.")
        if filled := list(self._filled.items()):
            shown = ", ".join(f"{clean(column.name)} ({count:,}: {_fill(column)})" for column, count in filled[:LISTED])
            more = f" and {len(filled) - LISTED:,} more columns" if len(filled) > LISTED else ""
            notes.append(f"Gaps are filled as in training: {shown}{more}.")
        return notes

    def __iter__(self) -> Iterator[np.ndarray]:
        """Pieces (n, D) float64."""
        done, spelling = 0, None
        try:
            for cells, is_end in _chunks(self.body, self.frame):
                cells = without_other_lines(cells, self.frame, self._said, is_end)
                done += len(cells)
                if done > MAX_ROWS:
                    raise UnlabeledRowsError(f"The file has more than {MAX_ROWS:,} rows that are allowed.")
                if spelling is None:
                    spelling = self._find_spelling(cells)
                    self._find_ids(cells, spelling)
                if self.id_place is not None:
                    self.ids += cells[self.id_place].tolist()
                columns = zip(self.recipe.columns, self.places, strict=True)
                values = [self._values(column, place, cells[place], spelling) for column, place in columns]
                for start in range(0, len(cells), self.rows):
                    yield self.recipe.encode([each[start : start + self.rows] for each in values])
        except UserDataError as problem:
            raise UnlabeledRowsError(str(problem)) from None
        if not done:
            raise UnlabeledRowsError("The file has no rows; a line of names and rows of values are allowed.")

    def _find_spelling(self, cells: Any) -> Spelling:
        """How the file spells its numbers; what it leaves open is as in training."""
        own = Spelling(self.recipe.decimal, self.recipe.thousands) if self.recipe.decimal else None
        found = [] if self.recipe.pixels else find_evidence(cells, self._missing[0])
        if own and not any(each.is_clear for each in found):
            return own
        spelling, sentence = decide(found, self.frame.layout.separator or ",")
        if own and spelling.decimal == own.decimal:
            return own
        self._said += [sentence] if sentence else []
        return spelling

    def _find_ids(self, cells: Any, spelling: Spelling) -> None:
        """Take a column that the training file did not have for the ids, if it holds some."""
        if self.id_place is not None:
            return
        for place, name in enumerate(self.names):
            if name in self.left_out and name not in self.recipe.names:
                column, _ = read_column(name, cells[place], spelling, *self._missing, "")
                if is_id(column, place == 0):
                    self.id_place = place
                    self.left_out.remove(name)
                    return

    def _values(self, column: InputColumn, place: int, text: Any, spelling: Spelling) -> np.ndarray:
        """Numbers (n,) with NaN for gaps, or places among the categories with -1."""
        if column.categories:
            values = pd.Index(column.categories, dtype=object).get_indexer(text.astype(object))
            empty = values < 0
            strange = empty & ~is_gap(text, self._missing[1]) if empty.any() else empty
        else:
            values, strange = parse_with_words(text, spelling)
            if self.recipe.missing:
                values[is_gap(text, self._missing[0])] = np.nan
            empty = np.isnan(values)
            strange = strange & ~is_gap(text, self._missing[0]) if empty.any() else empty
        wrong = (values < 0) | (values > 255) | empty if self.recipe.pixels else empty
        if column.fill is None and wrong.any():
            row = int(wrong.argmax())
            allowed = "numbers from 0 to 255" if self.recipe.pixels else "words" if column.categories else "numbers"
            given = text.iloc[row][:MAX_NAME_CHARACTERS]
            line = int(text.index[row]) + 1
            raise UnlabeledRowsError(f"Row {line:,}, column {place + 1:,} holds {given!r}; allowed: {allowed}.")
        if empty.any():
            self._filled[column] = self._filled.get(column, 0) + int(empty.sum())
        if strange.any():
            self._strange[column] = self._strange.get(column, []) + text[strange].tolist()
        return values


# Finding the table ---------------------------------------------------------------------------------------------------


def _encoding(content: bytes, recipe: Recipe) -> str | None:
    """The encoding of the training file, where the new one is in no form of Unicode and can be read in it."""
    known = {*COMMON, *(name for name, _ in LETTERS), "cp1252", "latin-1"}
    if recipe.encoding not in known or unicode_form(content):
        return None
    try:
        content.decode(recipe.encoding)
    except UnicodeDecodeError:
        return None
    return recipe.encoding


def _find_frame(body: bytes, encoding: str, recipe: Recipe) -> tuple[Frame, list[str]]:
    """The layout in which the columns of the recipe are found, and the names of all columns. Raises UserDataError."""
    given = Layout(encoding)
    try:
        frames = [find_frame(body, given, fewest=1)]
    except UserDataError:  # perhaps there is a single row, which was taken for names
        frame = find_frame(body, replace(given, header=0), fewest=1)
        names = _names_by_count(frame.width, recipe)
        if names and _is_row(frame.sample[0].cells, names, recipe):
            return frame, names
        raise
    if recipe.separator in SEPARATORS and recipe.separator != frames[0].layout.separator:
        with contextlib.suppress(UserDataError):
            frames.insert(0, find_frame(body, replace(given, separator=recipe.separator), fewest=1))
    for frame in frames:
        if frame.layout.header and _places(names := column_names(frame.names), recipe):
            return frame, names
        lines = (each.line for each in frame.sample[:MAX_LINES_ABOVE] if _places(each.cells, recipe))
        if line := next(lines, None):
            frame = find_frame(body, replace(given, separator=frame.layout.separator, header=line), fewest=1)
            return frame, column_names(frame.names)
    for frame in frames:
        names = _names_by_count(frame.width, recipe)
        first = frame.names if frame.layout.header else frame.sample[0].cells
        if names and _is_row(first, names, recipe):
            return find_frame(body, replace(given, separator=frame.layout.separator, header=0), fewest=1), names
    for frame in reversed(frames):
        names = _names_by_count(frame.width, recipe)
        if names and not frame.layout.header:
            return frame, names  # a row of unknown words
        if names and not recipe.header:
            passed_over = "The line of names is passed over, as the training file had none."
            return replace(frame, notes=(*frame.notes, passed_over)), names
    raise UserDataError(_lacking(frames[-1], recipe))


def _places(names: Sequence[str], recipe: Recipe) -> list[int] | None:
    """Where each column of the recipe is among the names, or None. Case and composition count only in doubt."""
    count = len(recipe.columns)
    forms = [[column.name for column in recipe.columns]]
    if recipe.pixels:
        forms += [[f"pixel{number + first}" for number in range(count)] for first in (0, 1)]
    given = list(enumerate(names))[::-1]  # the first of equals wins
    where = {_folded(name): place for place, name in given} | {name: place for place, name in given}
    for form in forms:
        places = [where.get(name, where.get(_folded(name), -1)) for name in form]
        if -1 not in places and len(set(places)) == count:
            return places
    return None


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _names_by_count(width: int, recipe: Recipe) -> list[str]:
    """The names of the columns of a file without names, with or without the target; none if their number is another."""
    names = list(recipe.names)
    others = [name for name in names if name != recipe.target]
    inputs = [column.name for column in recipe.columns]
    return next((known for known in (names, others, inputs) if len(known) == width), [])


def _is_row(cells: Sequence[str], names: Sequence[str], recipe: Recipe) -> bool:
    """Whether cells that were taken for names are values of a row."""
    kinds = {column.name: column.categories for column in recipe.columns}
    known = [(cell, kinds[name]) for cell, name in zip(cells, names, strict=False) if name in kinds]
    words = any(cell in categories for cell, categories in known if categories)
    numbers = [cell for cell, categories in known if not categories]
    gaps, _ = gap_words(recipe.missing)
    return words or (bool(numbers) and all(cell.lower() in gaps or looks_like_number(cell) for cell in numbers))


def _lacking(frame: Frame, recipe: Recipe) -> str:
    wanted = [column.name for column in recipe.columns]
    if not frame.layout.header:
        width = counted(frame.width, "column")
        return f"The file has {width} and no header; it needs {len(wanted):,}: {listed(wanted, 4)}."
    names = {_folded(name) for name in frame.names}
    allowed = listed(wanted, 4)
    if recipe.pixels:
        forms = (wanted, *([f"pixel{number + first}" for number in range(len(wanted))] for first in (0, 1)))
        wanted = min(forms, key=lambda form: sum(_folded(name) not in names for name in form))
        allowed = "pixel0, pixel1, ..."
    missing = [name for name in wanted if _folded(name) not in names] or wanted
    return f"The file lacks {listed(missing, 4)}; it needs {len(wanted):,} columns: {allowed}."


def _chunks(body: bytes, frame: Frame) -> Iterator[tuple[Any, bool]]:
    """Yields pieces of the table as text, and whether each is the last one. Raises UserDataError."""
    widest = max(frame.sample, key=lambda record: len(record.cells))
    width, done = max(frame.width, len(widest.cells)), 0
    if width > frame.width + MAX_BESIDE:
        raise _uneven(f"Line {widest.line:,}", frame)
    while True:
        try:
            before = None
            for cells in _parsed(body, frame, width):
                if before is not None:
                    done += 1
                    yield before, False
                before = _checked(cells, frame)
            if before is not None:
                yield before, True
            return
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as problem:
            width = wider(str(problem), frame)
            if done:
                raise _uneven("A line", frame) from None


def _parsed(body: bytes, frame: Frame, width: int) -> Iterator[Any]:
    file = io.BytesIO(body)
    file.seek(frame.start)
    rows = max(1, min(MAX_ROWS, MAX_CELLS // width))
    yield from pd.read_csv(file, chunksize=rows, **reading_options(frame.layout, width))


def _checked(cells: Any, frame: Frame) -> Any:
    """Without outer blanks, and without the empty cells at the ends of rows. Raises UserDataError."""
    for i in cells.columns:
        cells[i] = text = cells[i].str.strip()
        if i >= frame.width:
            if (filled := text != "").any():
                raise _uneven(f"Line {int(cells.index[int(np.argmax(filled))]) + frame.line:,}", frame)
            del cells[i]
    return cells


def _uneven(where: str, frame: Frame) -> UserDataError:
    return UserDataError(f"{where} has another number of columns; rows of {frame.width:,} cells are allowed.")


def _fill(column: InputColumn) -> str:
    if column.categories:
        return MISSING if column.marked else clean(column.fill)
    return f"{column.fill:.6g}" + (" and marked" if column.marked else "")
