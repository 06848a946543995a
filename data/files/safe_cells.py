"""Cells of a CSV file that no spreadsheet program interprets as a formula."""

from __future__ import annotations

import re
from typing import Any

FORMULA_STARTS = ("=", "+", "-", "@")
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")  # a line end within a cell would begin a new row


def safe_cell(value: Any) -> Any:
    """A number unchanged; text on one line, with an apostrophe in front if it would start a formula."""
    if not isinstance(value, str):
        return value
    text = CONTROL_CHARACTERS.sub(" ", value)
    return f"'{text}" if text.lstrip().startswith(FORMULA_STARTS) else text
