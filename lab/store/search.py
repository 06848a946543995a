"""What a person types to find runs, and the order in which they are shown, as parts of a statement.

All words must occur: in the data set, the changed settings, status, tags, note or group. `learning_rate>0.01`,
`test_loss<=0.1` and `optimizer=adam` compare a setting or a figure, `star` asks for a star.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement, func

from lab.experiment.fields import DEFAULTS
from lab.experiment.rules import short
from lab.store.address import StoreError
from lab.store.kept_run import Figures
from lab.store.tables import RUNS

COLUMNS = ("created", "epoch", "steps", "seconds", "best_epoch", "best_loss", *Figures._fields)  # numbers
TEXTS = ("status", "parent")
MAX_WORDS, MAX_CHARACTERS = 12, 200
COMPARISON = re.compile(r"(\w+)(<=|>=|=|<|>)(.+)")
STAR = "star"
TEXT_FIELDS = tuple(name for name, value in DEFAULTS.items() if isinstance(value, str) and name != "activations")
NUMBER_FIELDS = tuple(name for name, value in DEFAULTS.items() if type(value) in (int, float))


def conditions(text: str) -> list[ColumnElement[bool]]:
    """Raises StoreError for a comparison with what has no order."""
    words = text.split()
    if len(words) > MAX_WORDS or len(text) > MAX_CHARACTERS:
        raise StoreError(f"search: this is too long; allowed: {MAX_WORDS} words, {MAX_CHARACTERS} characters.")
    return [_condition(word.replace("\0", "")) for word in words]


def _condition(word: str) -> ColumnElement[bool]:
    if word == STAR:
        return RUNS.c.star
    if not (match := COMPARISON.fullmatch(word)):
        return RUNS.c.words.contains(word.lower(), autoescape=True)
    name, sign, value = match.groups()
    column = _column(name)
    if column is None:
        raise StoreError(f"search: {short(name)} is not known; allowed: names of settings and figures, such as "
                         "learning_rate>0.01 or test_loss<0.1.")  # fmt: skip
    found: Any = value
    if name not in (*TEXTS, *TEXT_FIELDS):
        try:
            found = float(value)
        except ValueError:
            raise StoreError(f"search: {short(word)} compares a number; allowed: such as {name}>0.1.") from None
    elif sign != "=":
        raise StoreError(f"search: {short(word)} has no order; allowed: {name}={short(value)}.")
    return {"=": column == found, "<": column < found, ">": column > found,
            "<=": column <= found, ">=": column >= found}[sign]  # fmt: skip


def _column(name: str) -> ColumnElement[Any] | None:
    """A number or a text of a row; None for what has neither."""
    if name in (*COLUMNS, *TEXTS):
        return RUNS.c[name]
    if name in NUMBER_FIELDS:
        return RUNS.c.experiment[name].as_float()
    return RUNS.c.experiment[name].as_string() if name in TEXT_FIELDS else None


def order(sort: str, descending: bool) -> list[Any]:
    """Rows without a value come last. Raises StoreError for what rows cannot be sorted by."""
    if sort == "created":  # nothing else: the index has it, so that the rows themselves need not be read
        return [RUNS.c.created.desc() if descending else RUNS.c.created.asc()]
    if sort == "loss":  # of the validation part, or of the test part where there is none
        column: Any = func.coalesce(RUNS.c.validation_loss, RUNS.c.test_loss)
    elif sort in DEFAULTS and _column(sort) is None:  # lists, and what is one value or a list
        column = RUNS.c.experiment[sort].as_string()
    elif (column := _column(sort)) is None:
        raise StoreError(f"sort: {short(sort)} is not known; allowed: names of settings and figures.")
    direction = column.desc() if descending else column.asc()
    return [direction.nulls_last(), RUNS.c.created.desc(), RUNS.c.id]
