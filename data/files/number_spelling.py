"""How a file spells its numbers: decimal and thousands marks, and what is written around the digits.

A file has one spelling. Marks are decided from the cells of all columns of numbers together: a mark before one, two or
four digits is a decimal mark; a mark that occurs twice in a number, or before exactly three digits beside smaller
numbers without it, is a thousands mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

MAX_MAGNITUDE = 1e30  # larger numbers count as gaps; their squares would overflow
MAX_NUMBER_CHARACTERS = 60  # longer cells are words, and would keep a search busy
BLANKS = " \t\u00a0\u2007\u2009\u202f"
MINUS = "\u2212\u2013\u2012-"  # the last one would span a range elsewhere
CURRENCY = r"(?:R\$|US\$|CA\$|A\$|[$€£¥₹₽₩₺¢]|EUR|USD|GBP|CHF|CAD|AUD|JPY|Fr\.|kr\.?|zł|Kč|Ft|руб\.?)"
EXPONENT = r"(?:[eE][+-]?[0-9]+)?"
_BEFORE = rf"^\(?[{BLANKS}]*[+{MINUS}]?[{BLANKS}]*{CURRENCY}?[{BLANKS}]*[+{MINUS}]?[{BLANKS}]*"
_AFTER = rf"{EXPONENT}[{BLANKS}]*(?:%|‰|{CURRENCY})?[{BLANKS}]*[{MINUS}]?\)?$"
_INNER = "'\u2019" + BLANKS  # further thousands marks
_ANY = re.compile(rf"{_BEFORE}([0-9][0-9.,{_INNER}]*|[.,][0-9]+){_AFTER}")
_MARKED = re.compile(rf"[0-9]{{1,3}}(?:[.,{_INNER}][0-9]{{3}})+(?:[.,][0-9]*)?|[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+")


class Spelling(NamedTuple):
    decimal: str = "."
    thousands: str = ","  # "" for none; blanks and apostrophes are understood besides


@dataclass
class Evidence:
    """How often the cells of a column speak for a mark as decimal mark or as thousands mark."""

    decimal: dict[str, int] = field(default_factory=lambda: {".": 0, ",": 0})
    thousands: dict[str, int] = field(default_factory=lambda: {".": 0, ",": 0})
    three: dict[str, int] = field(default_factory=lambda: {".": 0, ",": 0})  # one mark before three digits: either
    small: int = 0  # numbers below 1000 without a mark
    large: int = 0  # numbers from 1000 on without a mark
    example: str = ""

    @property
    def is_clear(self) -> bool:
        """Whether it says which mark is which."""
        return any((*self.decimal.values(), *self.thousands.values()))

    @property
    def shows_a_mark(self) -> bool:
        return self.is_clear or any(self.three.values())


def looks_like_number(cell: str) -> bool:
    """Whether the cell is a number in any spelling."""
    if len(cell) > MAX_NUMBER_CHARACTERS:
        return False
    if cell.lstrip("+-").lower() in ("inf", "infinity"):
        return True
    match = _ANY.match(cell)
    return bool(match) and bool(_MARKED.fullmatch(match[1].strip(_INNER)))


def evidence(cells: Iterable[str]) -> Evidence | None:
    """What the cells of a column (without gaps) say about marks; None if they are not numbers."""
    found, count, numbers = Evidence(), 0, 0
    for cell in cells:
        count += 1
        match = _ANY.match(cell) if len(cell) <= MAX_NUMBER_CHARACTERS else None
        if not match or not _MARKED.fullmatch(digits := match[1].strip(_INNER)):
            continue
        numbers += 1
        marks = [c for c in digits if c in ".,"]
        if not marks:
            whole = sum(c.isdigit() for c in digits)
            found.small += whole <= 3
            found.large += whole > 3 and digits.isdigit()
            continue
        last, tail = marks[-1], len(digits) - 1 - max(digits.rfind(m) for m in marks)
        if len(set(marks)) == 2:
            found.decimal[last] += marks.count(last) == 1
            found.thousands["." if last == "," else ","] += 1
        elif len(marks) > 1:
            found.thousands[last] += 1
        elif tail == 3 and len(digits) <= 7 and digits[0] not in "0.,":
            found.three[last] += 1
        else:
            found.decimal[last] += 1
        found.example = found.example or cell
    return found if count and numbers >= 0.9 * count else None


def decide(columns: Sequence[Evidence], separator: str) -> tuple[Spelling, str]:
    """The spelling of a file, and a sentence where it had to be decided (else empty)."""
    speaks = {m: sum(e.decimal[m] > 0 for e in columns) for m in ".,"}
    weight = {m: sum(e.decimal[m] for e in columns) for m in ".,"}
    groups = {m: sum(e.thousands[m] for e in columns) for m in ".,"}
    three = {m: sum(e.three[m] for e in columns) for m in ".,"}
    for m in ".,":
        if groups[m] and not weight["." if m == "," else ","] and weight[m] == 0:
            return _as_thousands(m, columns)
    if speaks["."] or speaks[","]:
        decimal = max(".,", key=lambda m: (weight[m] - groups[m], m == "."))
        if decimal == ".":
            return Spelling(), ""
        return Spelling(",", "."), f"The comma is the decimal mark of the numbers, as in {_example(columns, ',')}."
    for m in ".,":
        grouped = any(e.three[m] and e.small and not e.large for e in columns)
        mixed = any(e.three[m] and e.large for e in columns)
        if three[m] and grouped and not mixed:
            return _as_thousands(m, columns)
    if three[","] and not three["."]:
        if separator == ";":
            return Spelling(",", "."), (
                f"The comma is taken for a decimal mark, as in {_example(columns, ',')}: nothing speaks for thousands."
            )
        return _as_thousands(",", columns)
    return Spelling(), ""


def _as_thousands(mark: str, columns: Sequence[Evidence]) -> tuple[Spelling, str]:
    word = "comma" if mark == "," else "point"
    sentence = f"The {word} marks thousands in the numbers, as in {_example(columns, mark)}."
    return Spelling("." if mark == "," else ",", mark), sentence


def _example(columns: Sequence[Evidence], mark: str) -> str:
    return next((e.example.strip() for e in columns if mark in e.example), mark)


def parse(cells: Any, spelling: Spelling) -> np.ndarray:
    """Numbers (N,) of the cells (a Series of text), NaN where a cell is none or is beyond MAX_MAGNITUDE."""
    values, _ = parse_with_words(cells, spelling)
    return values


def parse_with_words(cells: Any, spelling: Spelling) -> tuple[np.ndarray, np.ndarray]:
    """The numbers (N,), and whether each cell is something else than a number (N,)."""
    if spelling.decimal == "." and (whole := _cast(cells)) is not None:
        values, left = whole, np.zeros(len(cells), dtype=bool)
    else:
        values, left = np.full(len(cells), np.nan), np.ones(len(cells), dtype=bool)
        for pattern, numbers in ((_bare(spelling), _of_bare), (_decorated(spelling), _of_decorated)):
            places = np.flatnonzero(left)
            places = places[cells[left].str.match(pattern).to_numpy(dtype=bool)]
            if len(places):
                values[places] = numbers(cells.iloc[places], spelling)
                left[places] = False
            if not left.any():
                break
    with np.errstate(invalid="ignore"):
        values[~(np.abs(values) <= MAX_MAGNITUDE)] = np.nan
    return values, left


def _cast(cells: Any) -> np.ndarray | None:
    """Plain numbers, or None if a cell is none. Arrow reads them ten times faster than pandas.to_numeric."""
    try:
        return np.array(cells.astype("float64[pyarrow]"), dtype=np.float64)
    except ValueError:
        return None


def _bare(spelling: Spelling) -> str:
    """The pattern of numbers with nothing but a sign and marks."""
    decimal, group = re.escape(spelling.decimal), re.escape(spelling.thousands)
    whole = f"(?:[0-9]{{1,3}}(?:{group}[0-9]{{3}})+|[0-9]+)" if group else "[0-9]+"
    return rf"^-?(?:{whole}(?:{decimal}[0-9]*)?|{decimal}[0-9]+){EXPONENT}$|^[+-]?(?:[Ii]nf|[Ii]nfinity)$"


def _decorated(spelling: Spelling) -> str:
    """The pattern of numbers with currencies, blanks and other signs."""
    decimal, groups = re.escape(spelling.decimal), re.escape(spelling.thousands) + _INNER
    whole = rf"(?:[0-9]{{1,3}}(?:[{groups}][0-9]{{3}})+|[0-9]+)"
    return rf"{_BEFORE}(?:{whole}(?:{decimal}[0-9]*)?|{decimal}[0-9]+){_AFTER}"


def _of_bare(cells: Any, spelling: Spelling) -> np.ndarray:
    """The numbers of bare cells."""
    if spelling.thousands:
        cells = cells.str.replace(spelling.thousands, "", regex=False)
    if spelling.decimal != ".":
        cells = cells.str.replace(spelling.decimal, ".", regex=False)
    values = _cast(cells)
    return values if values is not None else np.array(pd.to_numeric(cells, errors="coerce"), dtype=np.float64)


def _of_decorated(cells: Any, spelling: Spelling) -> np.ndarray:
    """The numbers of cells with currencies, blanks and other signs."""
    text = cells.str.replace(CURRENCY, "", regex=True)
    text = text.str.replace(rf"[{MINUS}]", "-", regex=True).str.replace(rf"[{_INNER}%‰]", "", regex=True)
    text = text.str.replace(r"^\((.*)\)$", r"-\1", regex=True).str.replace(r"^(.*[0-9.,])-$", r"-\1", regex=True)
    return _of_bare(text, spelling)
