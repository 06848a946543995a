"""Reads delimited text files (CSV and similar), gzipped or not, in the dialects of many programs.

Sizes are checked before a table takes memory; every error is one sentence.
"""

from __future__ import annotations

import csv
import io
import re
import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from data.files.user_data import UserDataError, clean, unique

MAX_BYTES, MAX_UNPACKED_BYTES = 20_000_000, 100_000_000
MAX_ROWS, MAX_COLUMNS, MAX_CELLS = 100_000, 1000, 4_000_000
MAX_CELL_CHARACTERS = 10_000
MAX_MAGNITUDE = 1e30  # larger numbers count as gaps; their squares would overflow
SNIFFED_LINES = 20  # used to detect separator and header
SEPARATORS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma"}  # a comma may also be a decimal comma
GAPS = {"", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-"}  # in lower case
DECIMAL_COMMA = r"[+-]?(?:\d+,?\d*|,\d+)(?:[eE][+-]?\d+)?"
OTHER_FORMATS = (  # first bytes, description
    (b"PK\x03\x04", "a zip archive or an Excel workbook; save the table as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save the table as CSV"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"PAR1", "a Parquet file; save the table as CSV"),
    (b"SQLite format 3", "a database"),
    (b"BZh", "a bzip2 archive; gzip is understood"),
    (b"\xfd7zXZ", "an xz archive; gzip is understood"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive; gzip is understood"),
)


@dataclass(frozen=True, eq=False)
class Column:
    """One column of N cells: numbers with NaN for gaps, or category codes with -1 for gaps."""

    name: str
    values: np.ndarray  # (N,) float64 or int32
    categories: tuple[str, ...] = ()  # () for numbers

    @property
    def gaps(self) -> np.ndarray:
        """(N,) bool, True where the cell is empty."""
        return self.values < 0 if self.categories else np.isnan(self.values)

    @property
    def distinct(self) -> int:
        return len(self.categories) or len(np.unique(self.values[~np.isnan(self.values)]))

    def as_categories(self) -> Column:
        """Numbers as categories, sorted numerically."""
        if self.categories:
            return self
        known = np.unique(self.values[~np.isnan(self.values)])
        values = np.where(np.isnan(self.values), -1, np.searchsorted(known, self.values)).astype(np.int32)
        return replace(self, values=values, categories=tuple(f"{number:.15g}" for number in known))

    def take(self, rows: np.ndarray) -> Column:
        return replace(self, values=self.values[rows])


@dataclass(frozen=True, eq=False)
class Table:
    """The columns of a file and how it was read."""

    columns: tuple[Column, ...]
    encoding: str
    separator: str
    header: bool

    @property
    def rows(self) -> int:
        return len(self.columns[0].values)

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


def read_table(content: bytes, header: bool | None = None, most_bytes: int = MAX_BYTES) -> Table:
    """Read a table. header: whether the first line has the names; None detects it. Raises UserDataError."""
    text, encoding = decoded(unpacked(content, most_bytes))
    separator, head = shape(text)
    lines = _count(text)
    if lines > MAX_ROWS + 1:
        raise UserDataError(f"The table has {lines:,} lines; at most {MAX_ROWS:,} rows are allowed.")
    if len(head[0]) > MAX_COLUMNS:
        raise UserDataError(f"The table has {len(head[0]):,} columns; at most {MAX_COLUMNS:,} are allowed.")
    if lines * len(head[0]) > MAX_CELLS:
        raise UserDataError(f"The table has {lines * len(head[0]):,} cells; at most {MAX_CELLS:,} are allowed.")
    named = has_header(head) if header is None else header
    cells = _cells(text, separator, len(head[0]))
    names = [clean(name, f"column {i + 1}") for i, name in enumerate(cells.iloc[0])] if named else []
    if named:
        cells = cells.iloc[1:]
    if not len(cells):
        raise UserDataError("The table has no rows; a line of names and at least ten rows of values are allowed.")
    names = unique(names or [f"column {i + 1}" for i in range(cells.shape[1])])
    columns = tuple(_column(name, cells[i], separator != ",") for i, name in enumerate(names))
    return Table(columns, encoding, SEPARATORS[separator], named)


def unpacked(content: bytes, most_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of a file, decompressed if gzipped, at most MAX_UNPACKED_BYTES. Raises UserDataError."""
    if len(content) > most_bytes:
        raise UserDataError(f"The file has {len(content):,} bytes; at most {most_bytes:,} are allowed.")
    if content[:2] == b"\x1f\x8b":
        opened = zlib.decompressobj(31)
        try:
            content = opened.decompress(content, MAX_UNPACKED_BYTES + 1)
        except zlib.error:
            raise UserDataError("The gzip file is broken; upload it again, or the table without gzip.") from None
        if len(content) <= MAX_UNPACKED_BYTES and not opened.eof:
            raise UserDataError("The gzip file is incomplete; upload it again, or the table without gzip.")
        if opened.unused_data:
            raise UserDataError("The gzip file has data after its end; one table per gzip file is allowed.")
    if len(content) > MAX_UNPACKED_BYTES:
        raise UserDataError(f"The file unpacks to more than the {MAX_UNPACKED_BYTES:,} bytes that are allowed.")
    return content


def decoded(content: bytes) -> tuple[str, str]:
    """The text and the name of its encoding. Raises UserDataError for anything but text."""
    for start, what in OTHER_FORMATS:
        if content.startswith(start):
            raise UserDataError(f"The file is {what}; CSV text is allowed.")
    encodings = ["utf-8-sig", "cp1252", "latin-1"]
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif (even := content[:1000:2].count(0)) + (odd := content[1:1000:2].count(0)) > len(content[:1000]) / 4:
        encodings = ["utf-16-le" if odd > even else "utf-16-be"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text and not any(c < " " and c not in "\t\r\n" for c in text[:1000]):
            return text, encoding.removesuffix("-sig")
        break
    raise UserDataError("The file is not plain text; CSV in UTF-8, UTF-16, Windows-1252 or Latin-1 is allowed.")


def shape(text: str) -> tuple[str, list[list[str]]]:
    """The separator and the cells of the first lines. Raises UserDataError."""
    lines = [line for line in io.StringIO(text[: 4 * MAX_UNPACKED_BYTES // 100], newline=None) if line.strip()][
        :SNIFFED_LINES
    ]
    if not lines:
        raise UserDataError("The file is empty; a line of names and rows of values are allowed.")
    found: dict[str, list[list[str]]] = {}
    for separator in SEPARATORS:
        try:
            found[separator] = list(csv.reader(lines, delimiter=separator, strict=False))
        except csv.Error:
            raise UserDataError(
                f"A cell is longer than the {MAX_CELL_CHARACTERS:,} characters that are allowed."
            ) from None
    for separator, rows in found.items():
        if (
            len(rows[0]) > 1 and len({len(row) for row in rows[:-1] or rows}) == 1
        ):  # the last line may end inside quotes
            return separator, rows
    separator, rows = max(found.items(), key=lambda item: len(item[1][0]))
    if len(rows[0]) == 1:
        allowed = ", ".join(SEPARATORS.values())
        raise UserDataError(f"The file has one column only; two or more, separated by {allowed}, are allowed.")
    return separator, rows


def has_header(head: list[list[str]]) -> bool:
    """Whether the first line is a header: it has no numbers, and other lines have some or its names are distinct."""
    first, rows = [cell.strip() for cell in head[0]], head[1:]
    if any(_is_number(cell) for cell in first):
        return False
    return any(_is_number(cell) for row in rows for cell in row) or len(set(first)) == len(first)


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _count(text: str) -> int:
    """The number of lines, for all kinds of line ends."""
    return max(text.count("\n"), text.count("\r")) + (not text.endswith(("\n", "\r")))


def _cells(text: str, separator: str, width: int) -> pd.DataFrame:
    """All cells as text. Raises UserDataError for a line with too many cells or an unclosed quote."""
    try:
        return pd.read_csv(io.StringIO(text), sep=separator, header=None, names=list(range(width)), index_col=False,
                           dtype=str, na_filter=False, engine="c", on_bad_lines="error")  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as problem:
        if uneven := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(problem)):
            expected, line, saw = uneven.groups()
            raise UserDataError(
                f"Line {line} has {saw} cells and the first line {expected}; all lines need the same number."
            ) from None
        if "EOF inside string" in str(problem):
            raise UserDataError("A quotation mark is opened and never closed; quotes must come in pairs.") from None
        raise UserDataError("The file cannot be read as a table; all rows need the same number of cells.") from None


def _column(name: str, cells: Any, decimal_comma: bool) -> Column:
    text = cells.str.strip()
    if text.str.len().max() > MAX_CELL_CHARACTERS:
        raise UserDataError(f"A cell of {name} is longer than the {MAX_CELL_CHARACTERS:,} characters that are allowed.")
    gap = text.str.lower().isin(GAPS).to_numpy()
    there = text[~gap]
    if decimal_comma and there.str.contains(",", regex=False).any() and there.str.fullmatch(DECIMAL_COMMA).all():
        there = there.str.replace(",", ".", regex=False)
    numbers = np.asarray(pd.to_numeric(there, errors="coerce"), dtype=np.float64)
    if not len(there) or not np.isnan(numbers).any():
        values = np.full(len(text), np.nan)
        values[~gap] = np.where(np.abs(numbers) <= MAX_MAGNITUDE, numbers, np.nan)
        return Column(name, values)
    codes, categories = pd.factorize(there, sort=True)
    values = np.full(len(text), -1, dtype=np.int32)
    values[~gap] = codes
    return Column(name, values, tuple(unique([clean(category) for category in categories[:MAX_ROWS]])))
