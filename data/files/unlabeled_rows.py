"""Reads examples without labels from a table, for a network with known input columns.

The rows are read in chunks, so a long file takes little memory; every error is one sentence."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from data.files.number_spelling import decide, evidence, parse
from data.files.table_files import column_names, read_frame, reading_options
from data.files.table_layout import Layout
from data.files.user_data import UserDataError

MAX_BYTES = 60 << 20  # Kaggle's test.csv of 28,000 digits has 51 million
MAX_ROWS, MAX_COLUMNS, MAX_NAME_CHARACTERS = 100_000, 3000, 40


class UnlabeledRowsError(ValueError):
    """Says in a sentence what is wrong with a file and what is allowed."""


class UnlabeledRows:
    """Rows of numbers in the order of `columns`, read in chunks of `rows`.

    columns: the input columns of the network. picture: its inputs are pixels 0 to 255, whose columns may also be named
    pixel0, pixel1, ... or pixel1, pixel2, ... A file without a header line must have exactly these columns.
    left_out: the names of unused columns. notes: how the file was read. Raises UnlabeledRowsError.
    """

    def __init__(self, content: bytes, columns: Sequence[str], *, picture: bool = False, rows: int = 1000) -> None:
        self.picture, self.rows = picture, rows
        try:
            self.body, frame = read_frame(content, Layout(), MAX_BYTES, fewest=1)
            if not frame.layout.header and set(columns) <= set(first := frame.sample[0].cells) and len(first) > 1:
                self.body, frame = read_frame(content, Layout(header=frame.sample[0].line), MAX_BYTES, fewest=1)
        except UserDataError as problem:
            raise UnlabeledRowsError(str(problem)) from None
        self.frame, self.notes = frame, frame.notes
        if frame.width > MAX_COLUMNS:
            raise UnlabeledRowsError(f"The file has {frame.width:,} columns; at most {MAX_COLUMNS:,} are allowed.")
        if odd := next((record for record in frame.sample if any(record.cells[frame.width :])), None):
            raise UnlabeledRowsError(
                f"Line {odd.line:,} has another number of columns; rows of {frame.width:,} cells are allowed."
            )
        self.named = bool(frame.layout.header)
        cells = column_names(frame.names)
        self.places = self._by_name(cells, columns) if self.named else self._by_count(cells, columns)
        self.left_out = [name for place, name in enumerate(cells) if self.named and place not in set(self.places)]
        found = (evidence(record.cells[i] for record in frame.sample if i < len(record.cells)) for i in self.places)
        self.spelling, _ = decide([spoken for spoken in found if spoken], frame.layout.separator or ",")

    def _by_count(self, cells: list[str], columns: Sequence[str]) -> list[int]:
        if len(cells) != len(columns):
            raise UnlabeledRowsError(
                f"The file has {len(cells):,} columns and no header; it needs {len(columns):,}: {_some(columns)}."
            )
        return list(range(len(columns)))

    def _by_name(self, cells: list[str], columns: Sequence[str]) -> list[int]:
        forms = [list(columns)]
        if self.picture:
            forms += [[f"pixel{number + first}" for number in range(len(columns))] for first in (0, 1)]
        where = {name: place for place, name in reversed(list(enumerate(cells)))}
        missing = min(([name for name in form if name not in where] for form in forms), key=len)
        if missing:
            allowed = "pixel0, pixel1, ..." if self.picture else _some(columns)
            raise UnlabeledRowsError(f"The file lacks {_some(missing)}; it needs {len(columns):,} columns: {allowed}.")
        form = next(form for form in forms if all(name in where for name in form))
        return [where[name] for name in form]

    def __iter__(self) -> Iterator[np.ndarray]:
        """Chunks (n, columns) float64."""
        width = max(self.frame.width, *(len(record.cells) for record in self.frame.sample))
        file, done = io.BytesIO(self.body), 0
        file.seek(self.frame.start)
        try:
            for chunk in pd.read_csv(file, chunksize=self.rows, **reading_options(self.frame.layout, width)):
                done += len(chunk)
                if done > MAX_ROWS:
                    raise UnlabeledRowsError(f"The file has more than {MAX_ROWS:,} rows that are allowed.")
                yield self._numbers(chunk)
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as problem:
            found = re.search(r"line (\d+)", str(problem))
            line = int(found[1]) + self.frame.line - 1 if found else 0
            where = f"Line {line:,} has another number of columns" if found else "There are no rows of numbers"
            raise UnlabeledRowsError(f"{where}; rows of {len(self.places):,} numbers are allowed.") from None

    def _numbers(self, chunk: pd.DataFrame) -> np.ndarray:
        chosen = chunk.iloc[:, self.places]
        values = np.stack(
            [parse(chosen.iloc[:, i].str.strip(), self.spelling) for i in range(len(self.places))], axis=1
        )
        wrong = ~np.isfinite(values) | (self.picture & ((values < 0) | (values > 255)))
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            allowed = "numbers from 0 to 255" if self.picture else "numbers"
            given = str(chosen.iat[row, column])[:MAX_NAME_CHARACTERS]
            line = int(chunk.index[row]) + 1
            raise UnlabeledRowsError(
                f"Row {line:,}, column {self.places[column] + 1:,} holds {given!r}; allowed: {allowed}."
            )
        return values


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(name[:MAX_NAME_CHARACTERS] for name in names[:4])
    return shown + (f" and {len(names) - 4:,} more" if len(names) > 4 else "")
