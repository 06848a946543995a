"""Cells of a CSV file that no spreadsheet program interprets as a formula."""

from __future__ import annotations

import re
from typing import Any

FORMULA_STARTS = tuple("=+-@＝＋－＠")  # some programs take full-width signs for these
NUMBER = re.compile(r"[+-]?([0-9]+[.,]?[0-9]*|[.,][0-9]+)([eE][+-]?[0-9]+)?%?")  # a class -1 is no formula
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")  # a line end within a cell would begin a new row


def safe_cell(value: Any) -> Any:
    """A number unchanged, spelled or not; text on one line, with an apostrophe in front if it would start a formula."""
    if not isinstance(value, str):
        return value
    text = CONTROL_CHARACTERS.sub(" ", value)
    if NUMBER.fullmatch(text) or not text.lstrip().startswith(FORMULA_STARTS):
        return text
    return f"'{text}"
