"""How a text file is laid out as a table: separator, quotes, the lines above the names, the names, a line of units.

Each is chosen by a score over the first several hundred lines, and each can be overruled by a Layout. The score, as in
CleverCSV, prefers rows of one width and cells of known kinds; unlike there, blanks can be separators.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from data.counted import counted
from data.files.number_spelling import looks_like_number
from data.files.user_data import UserDataError
from data.names import clean

SEPARATORS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma", " ": "blank"}  # the first wins a tie
SAMPLE_BYTES, SAMPLE_RECORDS = 2_000_000, 400
MAX_SAMPLE_COLUMNS = 5000  # pictures of 64 by 64 have 4,097
MAX_CELL_CHARACTERS = 10_000
MAX_LINES_ABOVE = 100  # the names
# In lower case. In a column of numbers all of them are gaps; among words only those that nobody uses as a word.
GAPS = frozenset(("", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "nil", "?", "-", "--", ".", "...", "#value!",
                  "#div/0!", "missing", "unknown", "n.a.", "k.a."))  # fmt: skip
GAPS_AMONG_WORDS = frozenset(("", "?", "null", "nan", "#n/a", "<na>", "#value!", "#div/0!"))
_DAY = r"(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.](?:[0-9]{4}|[0-9]{2}))"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_IN_WORDS = rf"(?:(?:[A-Z][a-z]+,? )?{_MONTH} [0-9]{{1,2}},? [0-9]{{4}}|[0-9]{{1,2}}\.?[- ]{_MONTH}[- ][0-9]{{2,4}})"
_CLOCK = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[AaPp]\.?[Mm]\.?)?"
_ZONE = r"(?: ?(?:Z|UTC|GMT))?(?: ?[+-][0-9]{1,2}:?(?:[0-9]{2})?)?"
DATE = rf"^(?:(?:{_DAY}|{_IN_WORDS})(?:(?:T|,? ){_CLOCK}{_ZONE})?|{_CLOCK}{_ZONE})$"
_is_date = re.compile(DATE).match
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_TOKEN = (re.compile(r'"(?:[^"]|"")*"|\S+'), re.compile(r'"(?:[^"\\]|\\.)*"|\S+'))  # without and with an escape


@dataclass(frozen=True)
class Layout:
    """How a file is read. None: the reader decides. Hashable, so that it can be the key of a cache."""

    encoding: str | None = None
    separator: str | None = None  # of SEPARATORS
    header: int | None = None  # the number of the line with the names, from 1; 0: there are no names
    decimal: str | None = None  # "." or ","
    thousands: str | None = None  # ".", "," or "" for none
    missing: tuple[str, ...] | None = None  # words that count as gaps, besides nothing
    kinds: tuple[tuple[str, str], ...] = ()  # name of a column, "number" or "category"
    quote: str | None = None  # " or '
    escape: str | None = None  # a character that takes the next one literally; "" for none


@dataclass(frozen=True)
class Record:
    """The cells of a row, and the number of its first line."""

    cells: tuple[str, ...]
    line: int

    @property
    def filled(self) -> int:
        return sum(map(bool, self.cells))


@dataclass(frozen=True)
class Frame:
    """Where the table is in the text."""

    layout: Layout
    names: tuple[str, ...]  # of the columns; "" where there is none
    start: int  # bytes before the first row
    line: int  # the number of the first row's line, from 1
    width: int  # columns of most rows
    sample: tuple[Record, ...]  # the first rows
    notes: tuple[str, ...]


def find_frame(body: bytes, layout: Layout, fewest: int = 2) -> Frame:
    """The layout of a text in UTF-8, completed where it does not say. Raises UserDataError.

    fewest: columns; a file of fewer is refused.
    """
    text = body[:SAMPLE_BYTES].decode("utf-8", "ignore")
    lines = [line for line in _LINE.findall(text) if line]
    if len(body) > SAMPLE_BYTES and len(lines) > 1:
        lines.pop()  # perhaps cut
    if not any(line.strip() for line in lines):
        raise UserDataError("The file is empty; a line of names and rows of values are allowed.")
    notes: list[str] = []
    skip = 0
    if match := re.match(r'"?sep=(.)"?[;,\t]*$', lines[0].strip("\r\n"), re.IGNORECASE):
        skip = 1
        if layout.separator is None and match[1] in SEPARATORS:
            layout = replace(layout, separator=match[1])
            notes.append(f"The first line names the {SEPARATORS[match[1]]} as separator and is no row.")
    layout, records = _dialect(lines, skip, layout)
    body_width = _width(records)
    if body_width < fewest:
        allowed = ", ".join(SEPARATORS.values())
        raise UserDataError(f"The file has one column only; two or more, separated by {allowed}, are allowed.")
    if body_width > MAX_SAMPLE_COLUMNS:
        raise UserDataError(f"The table has {body_width:,} columns; at most {MAX_SAMPLE_COLUMNS:,} can be read.")
    at, named, comment = _header_place(records, body_width, layout)
    above = [record for record in records[:at] if record.filled]
    if comment:
        notes.append(f"Line {comment.line} is a comment that holds the names of the columns.")
        above.remove(comment)
    if above:
        what = "comments" if all(record.cells[0].startswith("#") for record in above) else "a title or comments"
        shown = clean(" ".join(cell for cell in above[0].cells if cell))
        count = counted(len(above), "line")
        notes.append(f"{count} above the table ({what}, such as “{shown}”) {_is(above)} passed over.")
    names = list(_without_mark(comment.cells) if comment else records[at].cells) if named else []
    rows = records[at + 1 :] if named and not comment else records[at:]
    header_line = 0 if not named else (comment.line if comment else records[at].line)
    if rows and named and (units := _units(rows, body_width)):
        notes.append(f"Line {units.line} below the names holds units ({clean(', '.join(units.cells))}) and is no row.")
        rows = rows[1:]
    if not rows:
        raise UserDataError("The table has no rows; a line of names and rows of values are allowed.")
    names, width = _fitted(names, rows, body_width, named, notes)
    layout = replace(layout, header=header_line)
    line = rows[0].line
    start = len("".join(lines[: line - 1]).encode())
    return Frame(layout, tuple(names), start, line, width, tuple(rows), tuple(notes))


# Separator and quotes -------------------------------------------------------------------------------------------------


def _dialect(lines: list[str], skip: int, layout: Layout) -> tuple[Layout, list[Record]]:
    """The dialect with the best score, and the records of the sample."""
    text = "".join(lines[:SAMPLE_RECORDS])
    quote = layout.quote or _quote(text)
    separators = [layout.separator] if layout.separator else list(SEPARATORS)
    found: list[tuple[float, Layout, list[Record]]] = []
    for separator in separators:
        for escape in _escapes(text, quote, separator) if layout.escape is None else [layout.escape]:
            chosen = replace(layout, separator=separator, quote=quote, escape=escape)
            records = read_records(lines, skip, chosen)
            found.append((_score(records, separator), chosen, records))
    _, chosen, records = max(found, key=lambda item: item[0])  # the first of equals
    return chosen, records


def _escapes(text: str, quote: str, separator: str) -> list[str]:
    """What may escape a quote within quotes: a backslash for certain if text follows, as only cells end with quotes."""
    followed = set(re.findall(rf"\\{quote}(.?)", text))
    if not followed:
        return [""]
    return ["\\"] if followed - {"", "\r", quote, separator} else ["", "\\"]


def _quote(text: str) -> str:
    single = len(re.findall(r"(?:^|[;,\t|])[ ]?'[^'\r\n]*'(?=[;,\t|\r\n]|$)", text, re.MULTILINE))
    return "'" if single > 3 and '"' not in text else '"'


def read_records(lines: Sequence[str], skip: int, layout: Layout) -> list[Record]:
    """The records of the sample that are not empty lines. Raises UserDataError."""
    found: list[Record] = []
    if layout.separator == " ":
        for number, line in enumerate(lines[skip:], skip + 1):
            cells = tuple(_unquoted(token, layout.escape) for token in _TOKEN[bool(layout.escape)].findall(line))
            if cells:
                found.append(Record(cells, number))
            if len(found) >= SAMPLE_RECORDS:
                break
        return found
    reader = csv.reader(lines[skip:], delimiter=layout.separator or ",", quotechar=layout.quote or '"',
                        escapechar=layout.escape or None, skipinitialspace=True, strict=False)  # fmt: skip
    line = skip + 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells) or len(cells) > 1:
                found.append(Record(tuple(cell.strip() for cell in cells), line))
            line = skip + reader.line_num + 1
            if len(found) >= SAMPLE_RECORDS:
                break
    except csv.Error:
        raise UserDataError(f"A cell is longer than the {MAX_CELL_CHARACTERS:,} characters that are allowed.") from None
    return found


def _unquoted(token: str, escape: str | None) -> str:
    if len(token) > 1 and token[0] == token[-1] == '"':
        token = token[1:-1]
    return re.sub(r"\\(.)", r"\1", token) if escape else token.replace('""', '"')


def _score(records: list[Record], separator: str) -> float:
    """How table-like the records are, from 0 to 1: rows of one width, and cells that are numbers, dates or words."""
    width = _width(records)
    if width < 2:
        return 0.0
    fitting = [r for r in records if len(r.cells) == width or len(_trimmed(r.cells)) == width
               or (len(r.cells) == width - 1 and r is records[0])]  # fmt: skip
    cells = [cell for record in fitting[:100] for cell in record.cells[:50]]
    if not cells:
        return 0.0
    others = "".join(mark for mark in SEPARATORS if mark not in (separator, " "))
    shares = [1.0 if cell_kind(cell) != "word" else _word_share(cell, others) for cell in cells]
    score = (len(fitting) / len(records)) ** 2 * (sum(shares) / len(shares)) * (1 - 0.1 / width)
    if separator == " " and not any(_body_kind(fitting, i) == "number" for i in range(min(width, 200))):
        return 0.0  # a text of words is no table
    return score


def _word_share(cell: str, others: str) -> float:
    tight = re.search(rf"[^{re.escape(others)}\s][{re.escape(others)}][^\s]", cell)
    numbers = len(pieces := cell.split()) > 1 and all(looks_like_number(piece) for piece in pieces)
    return 0.3 if tight or numbers or cell.endswith((",", ";")) or cell.count('"') % 2 else 0.9


def _width(records: Sequence[Record]) -> int:
    """The number of cells of most records, without empty ones at the end; the later of equals."""
    counts = Counter(len(record.cells) for record in reversed(records))
    if not counts:
        return 0
    width = max(counts, key=counts.__getitem__)
    ends = [record for record in records if len(record.cells) == width]
    if width > 2 and len(ends) > 1 and not any(record.cells[-1] for record in ends[1:]):
        shorter = [record for record in records if len(record.cells) == width - 1]
        if shorter or not ends[0].cells[-1]:
            width -= 1  # each row ends with a separator
    return width


def _trimmed(cells: Sequence[str]) -> Sequence[str]:
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return cells[:end]


# Names ----------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=50_000)
def cell_kind(cell: str) -> str:
    """gap, number, date or word."""
    if cell.lower() in GAPS:
        return "gap"
    if looks_like_number(cell):
        return "number"
    return "date" if _is_date(cell) else "word"


def _body_kind(rows: Sequence[Record], column: int) -> str:
    """The kind of most cells of a column: number, date or word."""
    kinds = Counter(cell_kind(row.cells[column]) for row in rows[:100] if column < len(row.cells))
    del kinds["gap"]
    if not kinds:
        return "gap"
    kind, count = kinds.most_common(1)[0]
    return kind if count >= 0.8 * kinds.total() else "word"


def _header_place(records: list[Record], width: int, layout: Layout) -> tuple[int, bool, Record | None]:
    """The place of the first record of the table, whether it holds names, and a comment that holds them instead."""
    if layout.header is not None:
        if layout.header == 0:
            return _first_full(records, width), False, None
        if (at := next((i for i, r in enumerate(records) if r.line >= layout.header), None)) is None:
            raise UserDataError(f"There is no line {layout.header} among the first lines; choose an earlier one.")
        return at, True, None
    at = _first_full(records, width)
    if holds_names(records[at:], width):
        return at, True, None
    before = records[at - 1] if at else None
    if before and before.cells[0].startswith("#") and len(_trimmed(before.cells)) == width and at < len(records):
        with_names = [Record(tuple(_without_mark(before.cells)), before.line), *records[at:]]
        if holds_names(with_names, width):
            return at, True, before
    return at, False, None


def _first_full(records: list[Record], width: int) -> int:
    """The place of the first record that is not above the table: a title, a comment or a blank line of separators."""
    for i, record in enumerate(records[:MAX_LINES_ABOVE]):
        if record.cells[0].startswith("#") and i + 1 < len(records) and not _counts_as_name(record, records[i + 1 :]):
            continue
        cells = _trimmed(record.cells)
        title = len(cells) < 2 or (record.filled <= max(1, width // 3) and cells[0])
        short = len(cells) < width - 1 and len(record.cells) != width
        if title and width < 3:  # or a name and a column without one
            title = bool(cells and cells[0]) and holds_names(records[i + 1 :], width)
        if record.filled and not title and not short and not (len(cells) < 2 and len(record.cells) < 2):
            return i
    return 0


def _counts_as_name(record: Record, rows: list[Record]) -> bool:
    """Whether a # begins a name of a column rather than a comment: the next lines do not begin so, and are as wide."""
    return len(_trimmed(record.cells)) > 1 and record.cells[0] in ("#", "#1") and not rows[0].cells[0].startswith("#")


def _without_mark(cells: Sequence[str]) -> list[str]:
    return [cells[0].lstrip("# "), *cells[1:]]


def holds_names(records: list[Record], width: int) -> bool:
    """Whether the first record is of another kind than what follows."""
    if not records:
        return False
    first, rows = _trimmed(records[0].cells), records[1:]
    shift = 1 if rows and len(first) == width - 1 == _width_of(rows) - 1 else 0  # names of the rows have no name
    above, equal, numbers = 0, 0, []
    for i, cell in enumerate(first):
        kind, body = cell_kind(cell), _body_kind(rows, i + shift)
        if kind == "number":
            numbers.append(cell)
        if body in ("number", "date"):
            above += kind == "word"
            equal += kind == body
    if not rows:
        return not numbers and len(set(first)) == len(first)
    if numbers and equal:
        own = [[c for c in row.cells if cell_kind(c) == "number"] for row in rows[:20]]
        if _count_up(numbers) and sum(_count_up(cells) for cells in own) <= len(own) // 2:
            return above > 0 or len(numbers) > 2
        return above > equal
    if above:
        return True
    if numbers:
        return False
    below = [{row.cells[i + shift] for row in rows if i + shift < len(row.cells)} for i in range(len(first))]
    repeated = any(cell and cell in cells for cell, cells in zip(first, below, strict=True))
    return not repeated and len(set(first)) == len(first)


def _width_of(rows: Sequence[Record]) -> int:
    return Counter(len(row.cells) for row in rows).most_common(1)[0][0]


def _count_up(cells: list[str]) -> bool:
    """Whether numbers are in equal steps, or numbered as pandas numbers equal names: 0, 0.1, 0.2, ... 0.10."""
    if len(cells) < 2:
        return len(cells) == 1 and bool(re.fullmatch(r"(?:19|20)[0-9]{2}|0|1", cells[0]))
    if all(cell == f"{cells[0]}.{i}" for i, cell in enumerate(cells[1:], 1)):
        return True
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        return False
    step = values[1] - values[0]
    return step != 0 and all(abs(b - a - step) < 1e-6 * abs(step) for a, b in pairwise(values))


def _units(rows: list[Record], width: int) -> Record | None:
    """The first row if it holds units: words above each column of numbers, and nothing that occurs below."""
    first, rest = rows[0], rows[1:]
    if len(rest) < 2 or len(first.cells) < width:
        return None
    kinds = [_body_kind(rest, i) for i in range(width)]
    numeric = [i for i, kind in enumerate(kinds) if kind in ("number", "date")]
    if not numeric or any(cell_kind(first.cells[i]) in ("number", "date") for i in range(width)):
        return None
    if not any(cell_kind(first.cells[i]) == "word" for i in numeric):
        return None  # gaps only
    for i, kind in enumerate(kinds):
        below = {row.cells[i] for row in rest if i < len(row.cells)}
        if kind == "word" and cell_kind(first.cells[i]) == "word" and first.cells[i] in below:
            return None
    return first if len(numeric) > 1 or all(len(cell) < 12 for cell in first.cells) else None


def _fitted(names: list[str], rows: list[Record], width: int, named: bool, notes: list[str]) -> tuple[list[str], int]:
    """Names and number of columns: separators at the ends of lines, and row names without a name, as R writes them."""
    common = _width_of(rows)
    last_empty = common > width and not any(r.cells[-1] for r in rows if len(r.cells) == common)
    wide = max(width, common - last_empty)
    if not named:
        return [""] * wide, wide
    trimmed = list(_trimmed(names))
    if len(trimmed) == wide - 1 and len(names) < wide:
        notes.append("The names are one fewer than the columns: they belong to the last ones, as R writes row names.")
        trimmed.insert(0, "")
    wide = max(wide, len(trimmed))
    return trimmed + [""] * (wide - len(trimmed)), wide


def _is(items: Sequence[object]) -> str:
    return "is" if len(items) == 1 else "are"
