"""Reads delimited text files (CSV and similar), gzipped or not, in the dialects of many programs.

Layout, number spelling and kinds of columns are decided from many lines and whole columns; each decision is said in a
note and can be overruled by a Layout. Names and words stay as they are in the file; they are shortened and escaped
where they are shown. Sizes are checked before a table takes memory; every error is one sentence.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv

from data.counted import counted
from data.files.number_spelling import (
    Evidence,
    Spelling,
    decide,
    evidence,
    looks_like_number,
    parse_with_words,
)
from data.files.table_layout import (
    DATE,
    GAPS,
    GAPS_AMONG_WORDS,
    MAX_CELL_CHARACTERS,
    SEPARATORS,
    Frame,
    Layout,
    find_frame,
)
from data.files.text_encoding import MAX_BYTES, as_utf8, unpacked
from data.files.user_data import UserDataError
from data.names import clean, unique

MAX_ROWS, MAX_COLUMNS, MAX_CELLS = 100_000, 1000, 4_000_000
READ_SHARE = 0.4  # of the time that a table takes until its cells are known
PIECE_BYTES = 1 << 20  # that are looked at together: other threads wait meanwhile
MAX_BESIDE = 20  # rows, and cells at the end of a row, that may turn out to be empty
MAX_CATEGORIES = 50  # more different words are text
MAX_SPELLED = 1000  # different numbers whose spelling is kept, because they may be classes
EVIDENCE_CELLS = 300  # of a column, spread over it
NUMBER_SHARE = 0.95  # of the cells of a column of numbers; the others are gaps
MAX_STRAY_WORDS = 3  # different ones in a column of numbers
ID_NAMES = frozenset(("id", "ids", "uid", "uuid", "guid", "index", "idx", "key", "nr", "no", "num", "rowid", "row",
                      "rownames", "#"))  # fmt: skip
OTHER = {".": ",", ",": "."}  # mark
KINDS = {"number": "Number", "category": "Words"}  # that a user can choose
TOTALS = re.compile(
    r"(grand |sub)?-?(totals?|sum|summe|gesamt|total general|totale|totaal|suma|итого|合計|合计)\b:?", re.I
)


@dataclass(frozen=True, eq=False)
class Column:
    """One column of N cells: numbers with NaN for gaps, or codes of words with -1 for gaps."""

    name: str
    values: np.ndarray  # (N,) float64 or int32
    categories: tuple[str, ...] = ()  # () for numbers
    kind: str = "number"  # number, category, text, id, empty or date
    spelled: dict[float, str] = field(default_factory=dict)  # a number as the file spells it, where there are few
    nameless: bool = False  # the name is ours

    @property
    def gaps(self) -> np.ndarray:
        """(N,) bool, True where the cell is empty."""
        return self.values < 0 if self.categories else np.isnan(self.values)

    @property
    def distinct(self) -> int:
        return len(self.categories) or pd.Series(self.values).nunique()

    def as_categories(self) -> Column:
        """Numbers as categories, sorted numerically, as they are spelled in the file."""
        if self.categories:
            return self
        known = np.unique(self.values[~np.isnan(self.values)])
        values = np.where(np.isnan(self.values), -1, np.searchsorted(known, self.values)).astype(np.int32)
        names = tuple(self.spelled.get(number, f"{number:.15g}") for number in known.tolist())
        return replace(self, values=values, categories=names)

    def take(self, rows: np.ndarray) -> Column:
        return replace(self, values=self.values[rows])

    def first(self, count: int) -> list[float | str]:
        """The first values that are there."""
        known = self.values[~self.gaps][:count].tolist()
        return [self.categories[value] for value in known] if self.categories else known


@dataclass(frozen=True, eq=False)
class Table:
    """The columns of a file and how it was read."""

    columns: tuple[Column, ...]
    layout: Layout  # complete
    notes: tuple[str, ...] = ()
    has_marks: bool = True  # whether the file shows its decimal mark or its thousands mark

    @property
    def rows(self) -> int:
        return len(self.columns[0].values)

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def header(self) -> bool:
        return bool(self.layout.header)

    def column(self, name: str) -> Column:
        """The column of this name. Raises UserDataError."""
        if found := next((column for column in self.columns if column.name == name), None):
            return found
        raise UserDataError(f"There is no column {clean(name)}; the columns are {listed(self.names)}.")


def read_table(
    content: bytes,
    layout: Layout | None = None,
    most_bytes: int = MAX_BYTES,
    progress: Callable[[float], None] = lambda share: None,
) -> Table:
    """Read a table. layout: decisions of the user; None finds all of them. Raises UserDataError.

    progress: is called now and then with the share of the work that is done.
    """
    layout = layout or Layout()
    progress(0.0)
    cells, frame = read_cells(content, layout, most_bytes)
    notes: list[str] = list(frame.notes)
    given = [frame.names[i] if i < len(frame.names) else "" for i in cells.columns]
    names = column_names(given)
    gaps, among_words = gap_words(layout.missing)
    spelling, sentence, has_marks = find_spelling(cells, gaps, frame.layout)
    if sentence:
        notes.append(sentence)
    kinds = dict(layout.kinds)
    columns = []
    for i, name, own_name in zip(cells.columns, names, given, strict=True):
        progress(READ_SHARE + (1 - READ_SHARE) * len(columns) / len(names))
        column, said = read_column(name, cells.pop(i), spelling, gaps, among_words, kinds.get(name, ""))
        column = replace(column, nameless=not own_name)
        columns.append(replace(column, kind="id") if not kinds.get(name) and is_id(column, i == 0) else column)
        notes += said
    if layout.missing:
        notes.append(f"Counted as missing: {clean(', '.join(sorted(gaps - {''})))}.")
    complete = replace(frame.layout, decimal=spelling.decimal, thousands=spelling.thousands)
    return Table(tuple(columns), complete, tuple(notes), has_marks)


def read_cells(content: bytes, layout: Layout, most_bytes: int = MAX_BYTES) -> tuple[Any, Frame]:
    """The cells of all rows as text, a DataFrame with columns 0, 1, ..., and their layout. Raises UserDataError."""
    body, frame = read_frame(content, layout, most_bytes)
    if frame.width > MAX_COLUMNS:
        raise UserDataError(f"The table has {frame.width:,} columns; at most {MAX_COLUMNS:,} are allowed.")
    notes = list(frame.notes)
    cells = _without_empty_ends(_cells(body, frame), frame)
    short = _short_rows(body, frame, cells)
    cells = without_other_lines(cells, frame, notes)
    if short is not None and (count := int(short[cells.index].sum())):
        what = "row has" if count == 1 else "rows have"
        notes.append(f"{count:,} {what} fewer cells than the others; the cells that are not there are gaps.")
    if not len(cells):
        raise UserDataError("The table has no rows; a line of names and rows of values are allowed.")
    return cells, replace(frame, notes=tuple(notes))


def read_frame(content: bytes, layout: Layout, most_bytes: int = MAX_BYTES, fewest: int = 2) -> tuple[bytes, Frame]:
    """The text of a file in UTF-8, and where the table of at least `fewest` columns is in it. Raises UserDataError."""
    body, encoding, notes = as_utf8(unpacked(content, most_bytes), layout.encoding)
    frame = find_frame(body, replace(layout, encoding=encoding), fewest)
    return body, replace(frame, notes=(*notes, *frame.notes))


def gap_words(missing: Sequence[str] | None) -> tuple[frozenset[str], frozenset[str]]:
    """What counts as a gap, in lower case: in columns of numbers, and among words. missing: the user's words."""
    if missing is None:
        return GAPS, GAPS_AMONG_WORDS
    words = frozenset(("", *(word.strip().lower() for word in missing)))
    return words, words


def column_names(given: Sequence[str]) -> list[str]:
    """A name for each column: the given one, with a number behind it if it occurs twice."""
    return unique([name or f"column {i + 1}" for i, name in enumerate(given)])


def listed(names: list[str], most: int = 20) -> str:
    """The first names, as they can be shown."""
    return ", ".join(map(clean, names[:most])) + (f" and {len(names) - most:,} more" if len(names) > most else "")


# Rows -----------------------------------------------------------------------------------------------------------------


def _cells(body: bytes, frame: Frame) -> Any:
    """All cells as text, without outer blanks. Raises UserDataError."""
    most = min(MAX_ROWS, MAX_CELLS // frame.width) + MAX_BESIDE
    widest = max(frame.sample, key=lambda record: len(record.cells))
    width = max(frame.width, len(widest.cells))
    if width > frame.width + MAX_BESIDE:
        raise _uneven(f"Line {widest.line:,}", width, frame.width)
    while True:
        try:
            cells = _parsed(body, frame, width, most)
            break
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as problem:
            width = wider(str(problem), frame)
    longest = 0
    for i in cells.columns:
        cells[i] = text = cells[i].str.strip()
        longest = max(longest, int(text.str.len().max() or 0))
    if longest > MAX_CELL_CHARACTERS:
        raise UserDataError(f"A cell is longer than the {MAX_CELL_CHARACTERS:,} characters that are allowed.")
    for i in range(frame.width, width):
        if (filled := cells[i] != "").any():
            row = int(filled.to_numpy().argmax())
            count = 1 + max(j for j in range(i, width) if cells[j].iloc[row])
            raise _uneven(f"Row {row + 1:,}", count, frame.width)
        del cells[i]
    return cells


def _short_rows(body: bytes, frame: Frame, cells: Any) -> np.ndarray | None:
    """Which rows of the file have fewer cells than columns (N,), which pandas fills with empty cells; None if none."""
    layout, width = frame.layout, cells.shape[1]
    mark, quote = (layout.separator or ",").encode(), (layout.quote or '"').encode()
    if not (cells[cells.columns[-1]] == "").any():
        return None
    text = body[frame.start :]
    if layout.escape:
        text = text.replace(layout.escape.encode() + quote, b"  ")
    if mark == b" ":
        counts = np.array([len(line.split()) for line in text.splitlines()])
    elif quote not in text and text.count(mark) == len(cells) * (width - 1):
        return None
    else:
        letters = np.frombuffer(text, np.uint8)
        signs = (mark[0], ord("\n" if b"\n" in text else "\r"))
        found: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        between = 0  # quotes: 1, else 0
        for start in range(0, len(letters), PIECE_BYTES):
            piece = letters[start : start + PIECE_BYTES]
            inside = (np.cumsum(piece == quote[0], dtype=np.uint8) + between) & 1
            between = inside[-1]
            for places, sign in zip(found, signs, strict=True):
                places.append(start + np.flatnonzero((piece == sign) & (inside == 0)))
        marks, ends = np.concatenate(found[0]), np.append(np.concatenate(found[1]), len(letters))
        lengths = np.diff(ends, prepend=-1) - 1
        counts = np.diff(np.searchsorted(marks, ends), prepend=0) + 1
        counts[(lengths == 0) | ((lengths == 1) & (letters[np.maximum(ends - 1, 0)] == ord("\r")))] = 0
    filled = counts[counts > 0][: len(cells)]
    return filled < width if len(filled) == len(cells) else None


def wider(problem: str, frame: Frame) -> int:
    """The cells of the row that pandas complains of, if the last ones may be empty. Raises UserDataError."""
    if "EOF inside string" in problem:
        raise UserDataError("A quotation mark is opened and never closed; quotes must come in pairs.") from None
    if not (uneven := re.search(r"Expected \d+ fields in line (\d+), saw (\d+)", problem)):
        raise UserDataError("The file cannot be read as a table; all rows need the same number of cells.") from None
    line, saw = int(uneven[1]) + frame.line - 1, int(uneven[2])
    if saw > frame.width + MAX_BESIDE:
        raise _uneven(f"Line {line:,}", saw, frame.width) from None
    return saw


def _uneven(where: str, cells: int, expected: int) -> UserDataError:
    return UserDataError(f"{where} has {cells:,} cells and the others {expected:,}; all rows need the same number.")


def _parsed(body: bytes, frame: Frame, width: int, most: int) -> Any:
    plain = _parsed_plain(body, frame, width, most)
    if plain is not None:
        return plain
    file = io.BytesIO(body)
    file.seek(frame.start)
    return pd.read_csv(file, nrows=most, **reading_options(frame.layout, width))


def _parsed_plain(body: bytes, frame: Frame, width: int, most: int) -> Any | None:
    """The cells of a text without quotes whose rows are all of one width, or None. Arrow is four times faster."""
    layout = frame.layout
    quote = (layout.quote or '"').encode()
    if layout.separator == " " or layout.escape or body.find(quote, frame.start) >= 0:
        return None
    if max(body.count(b"\n", frame.start), body.count(b"\r", frame.start)) > most:
        return None
    names = [str(i) for i in range(width)]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(memoryview(body)[frame.start :]),
            arrow_csv.ReadOptions(column_names=names),
            arrow_csv.ParseOptions(delimiter=layout.separator, quote_char=False),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.large_string())),
        )
    except pa.ArrowInvalid:  # rows of several widths
        return None
    cells = table.to_pandas(types_mapper={pa.large_string(): pd.StringDtype("pyarrow", na_value=np.nan)}.get)  # pyrefly: ignore
    cells.columns = range(width)
    return cells


def reading_options(layout: Layout, width: int) -> dict[str, Any]:
    """The options of pandas.read_csv for rows of `width` cells of text in UTF-8."""
    return {
        "sep": r"\s+" if layout.separator == " " else layout.separator,
        "quotechar": layout.quote or '"',
        "escapechar": layout.escape or None,
        "header": None,
        "names": list(range(width)),
        "index_col": False,
        "dtype": str,
        "na_filter": False,
        "skipinitialspace": True,
        "engine": "c",
        "encoding": "utf-8",
    }


def _without_empty_ends(cells: Any, frame: Frame) -> Any:
    """Without columns at the end that have neither a name nor a value: each line ends with a separator."""
    while cells.shape[1] > 2:
        last = cells.columns[-1]
        if (last < len(frame.names) and frame.names[last]) or (cells[last] != "").any():
            break
        del cells[last]
    return cells


def without_other_lines(cells: Any, frame: Frame, notes: list[str], is_end: bool = True) -> Any:
    """Without rows that are none: empty ones, comments, repeated names, notes below the table, totals.

    is_end: whether these are the last rows of the file.
    """
    first = cells[0]
    out = np.zeros(len(cells), dtype=bool)

    def leave_out(rows: np.ndarray, what: str) -> None:
        rows = rows & ~out
        if count := int(rows.sum()):
            out[rows] = True
            notes.append(f"{counted(count, 'row')} {what} {'is' if count == 1 else 'are'} left out.")

    blank, comment = np.array(first == "", dtype=bool), np.array(first.str.startswith("#"), dtype=bool)
    rest_empty = blank | comment
    below = np.arange(len(cells)) >= len(cells) - 10 * is_end
    rest_empty |= below
    for i in cells.columns[1:]:
        if not rest_empty.any():
            break
        rest_empty[rest_empty] = np.array(cells[i][rest_empty] == "", dtype=bool)
    leave_out(rest_empty & blank, "without any value")
    leave_out(rest_empty & comment, "with a comment")
    if frame.names and frame.names[0] and (same := np.array(first == frame.names[0], dtype=bool)).any():
        for i, name in zip(cells.columns[1:], frame.names[1:], strict=False):
            same[same] = np.array(cells[i][same] == name, dtype=bool)
        leave_out(same, "with the names again")
    if cells.shape[1] > 2:  # below the table
        below &= rest_empty
        below[below] = [not looks_like_number(cell) for cell in first[below]]
        shown = first[below & ~out]
        typical = _filled(cells, slice(0, 50))
        if len(shown) and typical > 2:
            leave_out(below, f"below the table (“{clean(shown.iloc[0])}”)")
    kept = np.flatnonzero(~out)
    if is_end and len(kept) > 2:
        last = [cells[i].iloc[kept[-1]] for i in cells.columns]
        word = next((cell for cell in last if TOTALS.fullmatch(cell)), "")
        if word and not any((cells[i].iloc[kept[:-1]] == word).any() for i in cells.columns):
            total = np.zeros(len(cells), dtype=bool)
            total[kept[-1]] = True
            leave_out(total, f"of totals (“{clean(word)}”)")
    if out.any():
        cells = cells[~out]
    most = min(MAX_ROWS, MAX_CELLS // max(1, cells.shape[1]))
    if len(cells) > most:
        if most == MAX_ROWS:
            raise UserDataError(f"The table has more than the {MAX_ROWS:,} rows that are allowed.")
        raise UserDataError(
            f"The table has more than {most:,} rows of {cells.shape[1]:,} cells; "
            f"at most {MAX_CELLS:,} cells are allowed."
        )
    return cells


def _filled(cells: Any, rows: slice) -> float:
    """How many cells of a row are filled."""
    piece = cells.iloc[rows]
    return float((piece != "").to_numpy().sum() / max(1, len(piece)))


# Columns --------------------------------------------------------------------------------------------------------------


def find_spelling(cells: Any, gaps: frozenset[str], layout: Layout) -> tuple[Spelling, str, bool]:
    """How the file spells its numbers, a sentence if that had to be decided, and whether it shows a mark.

    Raises UserDataError.
    """
    if layout.decimal is not None:
        if layout.decimal == layout.thousands:
            raise UserDataError("The decimal mark and the thousands mark are the same; two different ones are allowed.")
        return (
            Spelling(layout.decimal, OTHER[layout.decimal] if layout.thousands is None else layout.thousands),
            "",
            True,
        )
    if layout.thousands:
        return Spelling(OTHER[layout.thousands], layout.thousands), "", True
    found = find_evidence(cells, gaps)
    spelling, sentence = decide(found, layout.separator or ",")
    if layout.thousands is None:
        return spelling, sentence, any(each.shows_a_mark for each in found)
    if any(e.decimal[spelling.decimal] for e in found):
        return spelling._replace(thousands=""), sentence, True
    return Spelling(spelling.thousands, ""), "", True  # the mark that would separate thousands is the decimal mark


def find_evidence(cells: Any, gaps: frozenset[str]) -> list[Evidence]:
    """What each column of numbers says about marks; all of its cells are read where some are not enough."""
    found: list[Evidence] = []
    step = max(1, len(cells) // EVIDENCE_CELLS)
    for whole in (False, True):
        found = []
        for i in cells.columns:
            piece = cells[i] if whole else cells[i].iloc[::step]
            if whole and not piece.str.contains("[.,]", regex=True).any():
                continue
            if spoken := evidence(cell for cell in piece.unique() if cell.lower() not in gaps):
                found.append(spoken)
        unsure = any(sum(e.three.values()) for e in found) and not any(sum(e.decimal.values()) for e in found)
        if step == 1 or not unsure:
            break
    return found


def read_column(
    name: str, text: Any, spelling: Spelling, gaps: frozenset[str], among_words: frozenset[str], wanted: str
) -> tuple[Column, list[str]]:
    """The column of these cells, and notes. wanted: the kind that the user has chosen, or empty."""
    gap = is_gap(text, gaps)
    there = text[~gap]
    if not len(there) and wanted != "category":
        return Column(name, np.full(len(text), np.nan), kind="empty"), []
    some = there.iloc[:: max(1, len(there) // EVIDENCE_CELLS)]
    if wanted == "number" or (wanted != "category" and sum(map(looks_like_number, some)) > len(some) / 2):
        numbers, words = parse_with_words(there, spelling)
        notes = _stray(name, there, words, wanted == "number")
        if notes is not None:
            values = np.full(len(text), np.nan)
            values[~gap] = numbers
            return Column(name, values, kind="number", spelled=_spelled(there, numbers)), notes
    gap = is_gap(text, among_words)
    codes, categories = pd.factorize(text[~gap], sort=False)
    if not len(categories):
        return Column(name, np.full(len(text), np.nan), kind="empty"), []
    order = np.argsort(words := np.array(categories, dtype=object))
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order))
    values = np.full(len(text), -1, dtype=np.int32)
    values[~gap] = place[codes]
    column = Column(name, values, tuple(words[order].tolist()))
    return replace(column, kind=_kind_of_words(text[~gap], len(categories))), []


def is_gap(text: Any, gaps: frozenset[str]) -> np.ndarray:
    """Whether each cell is a gap (N,)."""
    short = (text.str.len() <= max(map(len, gaps))).to_numpy(dtype=bool)
    found = np.zeros(len(text), dtype=bool)
    if short.any():
        found[short] = text[short].str.lower().isin(gaps).to_numpy(dtype=bool)
    return found


def _stray(name: str, there: Any, words: np.ndarray, forced: bool) -> list[str] | None:
    """Notes on words among numbers, or None if there are too many of them for a column of numbers."""
    if not words.any():
        return []
    if words.mean() > 1 - NUMBER_SHARE and not forced:
        return None
    different = there[words].unique()
    if len(different) > MAX_STRAY_WORDS and not forced:
        return None
    count, shown = int(words.sum()), ", ".join(f"“{clean(word)}”" for word in different[:MAX_STRAY_WORDS])
    return [f"{clean(name)}: {count:,} {'cell is' if count == 1 else 'cells are'} no number ({shown}) and a gap."]


def _spelled(there: Any, numbers: np.ndarray) -> dict[float, str]:
    """The first spelling of each number, if there are few: they may be classes."""
    if pd.Series(numbers[: 2 * MAX_SPELLED]).nunique() > MAX_SPELLED:
        return {}
    different = pd.Series(numbers).drop_duplicates().dropna()
    if len(different) > MAX_SPELLED:
        return {}
    return dict(zip(different.tolist(), there.iloc[different.index].tolist(), strict=True))


def _kind_of_words(text: Any, distinct: int) -> str:
    head = text.iloc[:50]
    if head.str.match(DATE).mean() >= 0.95 and text.str.match(DATE).mean() >= 0.95:
        return "date"
    names = len(text) >= 10 and distinct > len(text) / 2
    return "text" if distinct > MAX_CATEGORIES or names else "category"


def is_id(column: Column, leading: bool) -> bool:
    """Whether each row has a value of its own that only numbers it: by its name, or by counting the rows."""
    if column.kind not in ("number", "text") or column.gaps.any() or column.distinct < len(column.values):
        return False
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|#|[0-9]+", column.name)
    named = bool(words) and (words[-1].lower() in ID_NAMES or words[0].lower() in ("id", "unnamed"))
    if column.kind == "text":
        return named
    values = column.values
    if len(values) < 3 or (values != np.rint(values)).any():
        return False
    if named or (column.nameless and leading):
        return True
    density = len(values) / (values.max() - values.min() + 1)  # 1: every number from the smallest to the largest
    ordered = bool((np.diff(values) > 0).all() or (np.diff(values) < 0).all())
    return len(values) > 20 and density > (0.5 if ordered else 0.9)


def separator_name(layout: Layout) -> str:
    return SEPARATORS[layout.separator or ","]
