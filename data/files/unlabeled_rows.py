"""Examples without labels out of a CSV file, for a network that knows its columns. What does not fit is said in a
sentence; a file is read in pieces, so that a long one takes little memory."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from data.files.point_files import SEPARATORS, number_in

MOST_BYTES = 60 << 20  # Kaggle's test.csv of 28,000 digits has 51 million
MOST_ROWS, MOST_COLUMNS, LONGEST_NAME = 100_000, 3000, 40
LONGEST_LINE = 100_000  # characters


class UnlabelledError(ValueError):
    """Says in a sentence what is wrong with a file and what is allowed."""


class Unlabelled:
    """Rows of numbers in the order of `columns`, read in pieces of `rows`.

    columns: what the network was trained on. picture: its inputs are pixels 0 to 255, whose columns may also be called
    pixel0, pixel1, ... or pixel1, pixel2, ... A file without a line of names must have exactly these columns.
    left_out: the names of columns that are not used. Raises UnlabelledError.
    """

    def __init__(self, content: bytes, columns: Sequence[str], *, picture: bool = False, rows: int = 1000) -> None:
        if len(content) > MOST_BYTES:
            raise UnlabelledError(f"The file has {len(content):,} bytes; at most {MOST_BYTES:,} are allowed.")
        self.content, self.picture, self.rows = content, picture, rows
        first = self._first_line()
        self.separator = next((mark for mark in SEPARATORS if mark in first), ",")
        cells = [cell.strip().strip('"').strip() for cell in first.split(self.separator)]
        if len(cells) > MOST_COLUMNS:
            raise UnlabelledError(f"The file has {len(cells):,} columns; at most {MOST_COLUMNS:,} are allowed.")
        self.named = any(number_in(cell) is None for cell in cells)
        self.places = self._by_name(cells, columns) if self.named else self._by_count(cells, columns)
        self.left_out = [name for place, name in enumerate(cells) if self.named and place not in set(self.places)]

    def _first_line(self) -> str:
        start = self.content[:LONGEST_LINE].removeprefix(b"\xef\xbb\xbf")
        line = start.lstrip(b"\r\n").partition(b"\n")[0]
        if b"\0" in start:
            raise UnlabelledError("The file is no plain text; a CSV file in UTF-8 or Latin-1 is allowed.")
        if not line.strip():
            raise UnlabelledError("The file is empty; rows of numbers are allowed.")
        if len(line) == LONGEST_LINE:
            raise UnlabelledError(
                f"The first line is longer than {LONGEST_LINE:,} characters; shorter ones are allowed."
            )
        return line.decode("utf-8", "replace").strip("\r")

    def _by_count(self, cells: list[str], columns: Sequence[str]) -> list[int]:
        if len(cells) != len(columns):
            raise UnlabelledError(
                f"The file has {len(cells):,} columns without names; needed are {len(columns):,}: {_some(columns)}."
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
            raise UnlabelledError(f"The file lacks {_some(missing)}; needed are {len(columns):,} columns: {allowed}.")
        form = next(form for form in forms if all(name in where for name in form))
        return [where[name] for name in form]

    def __iter__(self) -> Iterator[np.ndarray]:
        """Pieces (n, columns) float64."""
        options = {"header": None, "skiprows": int(self.named), "sep": self.separator, "chunksize": self.rows}
        decimal = "," if self.separator != "," else "."
        done = 0
        try:
            for piece in pd.read_csv(io.BytesIO(self.content), decimal=decimal, encoding_errors="replace", **options):
                done += len(piece)
                if done > MOST_ROWS:
                    raise UnlabelledError(f"The file has more than {MOST_ROWS:,} rows; so many are allowed.")
                yield self._numbers(piece)
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as problem:
            found = re.search(r"line (\d+)", str(problem))
            where = f"Line {found[1]} has another number of columns" if found else "There are no rows of numbers"
            raise UnlabelledError(f"{where}; rows of {len(self.places):,} numbers are allowed.") from None

    def _numbers(self, piece: pd.DataFrame) -> np.ndarray:
        if piece.shape[1] <= max(self.places):
            raise UnlabelledError(
                f"The rows have {piece.shape[1]:,} columns; at least {max(self.places) + 1:,} are needed."
            )
        chosen = piece.iloc[:, self.places]
        values = chosen.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
        wrong = ~np.isfinite(values) | (self.picture & ((values < 0) | (values > 255)))
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            allowed = "numbers from 0 to 255" if self.picture else "numbers"
            given = str(chosen.iat[row, column])[:LONGEST_NAME]
            line = int(piece.index[row]) + 1
            raise UnlabelledError(
                f"Row {line:,}, column {self.places[column] + 1:,} holds {given!r}; allowed: {allowed}."
            )
        return values


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(name[:LONGEST_NAME] for name in names[:4])
    return shown + (f" and {len(names) - 4:,} more" if len(names) > 4 else "")
