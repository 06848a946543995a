"""From the columns of a table to examples: target, features, treatment of gaps, one-hot encoding.

Defaults are proposed for every choice, each can be changed, and the result is described in sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from data.counted import counted
from data.files.picture_tables import MAX_CLASSES, TARGET_NAMES
from data.files.table_files import MAX_CATEGORIES, Column, Table
from data.files.user_data import PreparedData, UserDataError
from data.names import clean
from data.recipe import MISSING as MISSING
from data.recipe import InputColumn, Recipe

MAX_INPUTS, MAX_VALUES, MIN_ROWS = 2000, 4_000_000, 10
MAX_NUMBER_CLASSES = 20  # most distinct whole numbers that are proposed as classes
TARGETS = (*TARGET_NAMES, "species", "survived", "outcome", "diagnosis", "quality", "price", "value", "output")


class GapRule(NamedTuple):
    label: str
    sentence: str


GAP_RULES = {
    "fill": GapRule(
        "Fill in",
        "A missing number becomes the median of the training part, a missing category its most frequent one.",
    ),
    "mark": GapRule(
        "Fill in and mark",
        "A missing number becomes the median of the training part, and an extra input marks it; a missing category "
        "becomes a separate category.",
    ),
    "drop": GapRule("Leave out", "Rows with a gap in a chosen column are left out."),
}
TASKS = {"classification": "Classes", "regression": "Numbers"}


@dataclass(frozen=True)
class Choices:
    """The user's choices for a table."""

    target: str
    features: tuple[str, ...]
    task: str  # of TASKS
    gaps: str = "fill"  # of GAP_RULES


def proposed_target(table: Table) -> str:
    """The column named like a target, else the last one that can be predicted."""
    able = [column.name for column in table.columns if not _unpredictable(column)]
    able = able if len(able) > 1 else table.names
    names = {name.strip().casefold(): name for name in reversed(able)}
    if "x" in (name.strip().casefold() for name in table.names):
        names.pop("y", None)  # a place in the plane
    return next((names[name] for name in TARGETS if name in names), able[-1])


def _unpredictable(column: Column) -> str:
    """Why a column is not proposed as a target; empty if it can be."""
    if column.kind in ("date", "text", "id"):
        return f"its kind is {column.kind}"
    return unfit(column)


def proposed_task(column: Column) -> str:
    """Classification for words and for few distinct whole numbers, otherwise regression."""
    if column.categories:
        return "classification"
    known = column.values[~np.isnan(column.values)]
    few = column.distinct <= min(MAX_NUMBER_CLASSES, max(2, len(known) // 5))
    return "classification" if few and (known == np.rint(known)).all() else "regression"


def tasks(column: Column) -> tuple[str, ...]:
    """The tasks for which the column can be the target."""
    return ("classification",) if column.categories else tuple(TASKS)


def unfit(column: Column) -> str:
    """Why a column is not proposed as a feature, whatever the target; empty if it is."""
    if column.gaps.all():
        return "it is empty"
    if column.distinct < 2:
        return "it has the same value in every row"
    if column.kind == "id":
        counts = not column.categories and (np.abs(np.diff(column.values)) == 1).all()
        return "it numbers the rows" if counts else "it only identifies the rows"
    if column.kind in ("date", "text") or len(column.categories) > MAX_CATEGORIES:
        return f"it has {column.distinct:,} different values, such as names, dates or text"
    return ""


def left_out(table: Table, target: str) -> dict[str, str]:
    """The columns that are not proposed as features for this target, and why."""
    why = {column.name: unfit(column) for column in table.columns if column.name != target}
    fit = [name for name, reason in why.items() if not reason]
    same = [name for name in fit if _says_the_same(table.column(name), table.column(target))]
    if len(same) < len(fit):  # a single feature may well say it all
        why |= dict.fromkeys(same, f"it says the same as {clean(target)}")
    return {name: reason for name, reason in why.items() if reason}


def _says_the_same(column: Column, target: Column) -> bool:
    """Whether each value of a column goes with one value of the target, and the other way round."""
    if column.categories or target.categories:
        if max(column.distinct, target.distinct) > MAX_CATEGORIES:
            return False
        column, target = column.as_categories(), target.as_categories()
        there = ~(column.gaps | target.gaps)
        pairs = np.unique(np.stack([column.values[there], target.values[there]]), axis=1).shape[1]
        return int(there.sum()) >= MIN_ROWS and pairs == column.distinct == target.distinct
    return len(column.values) >= MIN_ROWS and np.array_equal(column.values, target.values, equal_nan=True)


def propose(table: Table, target: str = "", task: str = "") -> Choices:
    """Default choices; a given `target` or `task` is kept."""
    target = target or proposed_target(table)
    column, out = table.column(target), left_out(table, target)
    features = tuple(name for name in table.names if name != target and name not in out)
    return Choices(target, features, task or proposed_task(column))


def prepare_table(table: Table, choices: Choices, title: str) -> tuple[PreparedData, list[str]]:
    """The examples and sentences that describe what was done. Raises UserDataError."""
    target = table.column(choices.target)
    chosen = [table.column(name) for name in choices.features if name in table.names and name != choices.target]
    if not chosen:
        raise UserDataError("No feature is chosen; choose at least one column besides the target.")
    if choices.task not in tasks(target):
        raise UserDataError(f"The column {clean(target.name)} holds words; they can only be predicted as classes.")
    wide = next((column for column in chosen if len(column.categories) > MAX_CATEGORIES), None)
    if wide:
        count = len(wide.categories)
        raise UserDataError(
            f"The feature {clean(wide.name)} has {count:,} different values; at most {MAX_CATEGORIES} are allowed."
        )
    report: list[str] = []
    rows = ~target.gaps
    _report_left_out(report, (~rows).sum(), "without a target")
    if choices.gaps == "drop":
        gaps = np.logical_or.reduce([column.gaps for column in chosen])
        _report_left_out(report, (rows & gaps).sum(), "with a gap")
        rows &= ~gaps
    _check_rows(rows)
    y, names = _targets(target, choices.task, rows, report)
    _check_rows(rows)
    chosen = [column.take(np.flatnonzero(rows)) for column in chosen]
    recipe = _recipe(table, choices, chosen)
    count, inputs = len(chosen[0].values), recipe.inputs
    if inputs > MAX_INPUTS:
        raise UserDataError(f"The features make {inputs:,} inputs; at most {MAX_INPUTS:,} are allowed.")
    if inputs * count > MAX_VALUES:
        raise UserDataError(f"{count:,} rows of {inputs:,} inputs are too many; {MAX_VALUES:,} values are allowed.")
    used = f"{counted(count, 'row')} and {counted(inputs, 'input')} from {counted(len(chosen), 'column')}"
    report.append(f"{used} are used.")
    if empty := int(sum(column.gaps.sum() for column in chosen)):
        report.append(f"{empty:,} gaps: {GAP_RULES[choices.gaps].sentence}")
    if recipe.groups:
        report.append("Numbers are standardized by the training part; each category is an input of 0 or 1.")
    else:
        report.append("Numbers are standardized by the training part.")
    x = recipe.encode([column.values for column in chosen])
    prepared = PreparedData("table", clean(title), choices.task, x, y[rows], recipe.input_names, names, target.name,
                            recipe.groups, recipe=recipe)  # fmt: skip
    return prepared, report


def _report_left_out(report: list[str], count: int, why: str) -> None:
    if count:
        report.append(f"{counted(count, 'row')} {why} {'is' if count == 1 else 'are'} left out.")


def _check_rows(rows: np.ndarray) -> None:
    if (count := np.count_nonzero(rows)) < MIN_ROWS:
        raise UserDataError(f"Only {count} rows can be used; at least {MIN_ROWS} are needed.")


def _targets(target: Column, task: str, rows: np.ndarray, report: list[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Values or class numbers (N,) and class names; removes classes that occur once from `rows` (in place)."""
    if task == "regression":
        if len(np.unique(target.values[rows])) < 2:
            raise UserDataError(
                f"The target {clean(target.name)} is the same in every row; at least two different values are needed."
            )
        return target.values, ()
    words = target.as_categories()
    counts = np.bincount(words.values[rows], minlength=len(words.categories))
    if (counts > 0).sum() > MAX_CLASSES:
        raise UserDataError(
            f"The target {clean(target.name)} has {(counts > 0).sum():,} classes; 2 to {MAX_CLASSES} are allowed"
            + (", or predict it as numbers." if not target.categories else ".")
        )
    alone = rows & (counts[words.values] == 1) & (words.values >= 0)
    _report_left_out(report, alone.sum(), "whose class occurs only once")
    rows &= ~alone
    present = np.flatnonzero(counts > 1)
    if len(present) < 2:
        raise UserDataError(f"The target {clean(target.name)} has one class only; 2 to {MAX_CLASSES} are allowed.")
    return np.searchsorted(present, words.values), tuple(words.categories[i] for i in present)


def _recipe(table: Table, choices: Choices, chosen: list[Column]) -> Recipe:
    """How the chosen columns become inputs. Gaps are filled as soon as there is a training part."""
    marks = choices.gaps == "mark"
    columns = [InputColumn(each.name, each.categories, marks and bool(each.gaps.any())) for each in chosen]
    layout = table.layout
    return Recipe(
        tuple(columns),
        tuple(table.names),
        choices.target,
        tuple(column.name for column in table.columns if column.kind == "id"),
        table.header,
        layout.encoding or "utf-8",
        layout.separator or ",",
        (layout.decimal or "") if table.has_marks else "",
        (layout.thousands or "") if table.has_marks else "",
        layout.missing,
    )
