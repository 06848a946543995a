"""Reads examples without labels from a CSV file, for a network with known input columns.

The file is read in chunks, so a long one takes little memory; every error is one sentence."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from data.files.point_files import SEPARATORS, number_in

MAX_BYTES = 60 << 20  # Kaggle's test.csv of 28,000 digits has 51 million
MAX_ROWS, MAX_COLUMNS, MAX_NAME_CHARACTERS = 100_000, 3000, 40
MAX_LINE_CHARACTERS = 100_000


class UnlabeledRowsError(ValueError):
    """Says in a sentence what is wrong with a file and what is allowed."""


class UnlabeledRows:
    """Rows of numbers in the order of `columns`, read in chunks of `rows`.

    columns: the input columns of the network. picture: its inputs are pixels 0 to 255, whose columns may also be named
    pixel0, pixel1, ... or pixel1, pixel2, ... A file without a header line must have exactly these columns.
    left_out: the names of unused columns. Raises UnlabeledRowsError.
    """

    def __init__(self, content: bytes, columns: Sequence[str], *, picture: bool = False, rows: int = 1000) -> None:
        if len(content) > MAX_BYTES:
            raise UnlabeledRowsError(f"The file has {len(content):,} bytes; at most {MAX_BYTES:,} are allowed.")
        self.content, self.picture, self.rows = content, picture, rows
        first = self._first_line()
        self.separator = next((mark for mark in SEPARATORS if mark in first), ",")
        cells = [cell.strip().strip('"').strip() for cell in first.split(self.separator)]
        if len(cells) > MAX_COLUMNS:
            raise UnlabeledRowsError(f"The file has {len(cells):,} columns; at most {MAX_COLUMNS:,} are allowed.")
        self.named = any(number_in(cell) is None for cell in cells)
        self.places = self._by_name(cells, columns) if self.named else self._by_count(cells, columns)
        self.left_out = [name for place, name in enumerate(cells) if self.named and place not in set(self.places)]

    def _first_line(self) -> str:
        start = self.content[:MAX_LINE_CHARACTERS].removeprefix(b"\xef\xbb\xbf")
        line = start.lstrip(b"\r\n").partition(b"\n")[0]
        if b"\0" in start:
            raise UnlabeledRowsError("The file is not plain text; a CSV file in UTF-8 or Latin-1 is allowed.")
        if not line.strip():
            raise UnlabeledRowsError("The file is empty; rows of numbers are allowed.")
        if len(line) == MAX_LINE_CHARACTERS:
            raise UnlabeledRowsError(
                f"The first line is longer than {MAX_LINE_CHARACTERS:,} characters; shorter ones are allowed."
            )
        return line.decode("utf-8", "replace").strip("\r")

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
        options = {"header": None, "skiprows": int(self.named), "sep": self.separator, "chunksize": self.rows}
        decimal = "," if self.separator != "," else "."
        done = 0
        try:
            for chunk in pd.read_csv(io.BytesIO(self.content), decimal=decimal, encoding_errors="replace", **options):
                done += len(chunk)
                if done > MAX_ROWS:
                    raise UnlabeledRowsError(f"The file has more than {MAX_ROWS:,} rows that are allowed.")
                yield self._numbers(chunk)
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as problem:
            found = re.search(r"line (\d+)", str(problem))
            where = f"Line {found[1]} has another number of columns" if found else "There are no rows of numbers"
            raise UnlabeledRowsError(f"{where}; rows of {len(self.places):,} numbers are allowed.") from None

    def _numbers(self, chunk: pd.DataFrame) -> np.ndarray:
        if chunk.shape[1] <= max(self.places):
            raise UnlabeledRowsError(
                f"The rows have {chunk.shape[1]:,} columns; at least {max(self.places) + 1:,} are needed."
            )
        chosen = chunk.iloc[:, self.places]
        values = chosen.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
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
