"""From the columns of a table to examples: which column is foretold from which others, what gaps become, what is coded.

Everything is proposed, everything can be chosen otherwise, and what was done is said in sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from data.files.picture_tables import LABELS, MOST_CLASSES
from data.files.table_files import Column, Table
from data.files.user_data import OwnError, Prepared, clean, unique

MOST_CATEGORIES = 50  # of a feature
MOST_INPUTS, MOST_VALUES, FEWEST_ROWS = 2000, 4_000_000, 10
FEW = 20  # so many different whole numbers may be classes
TARGETS = (*LABELS, "species", "survived", "outcome", "diagnosis", "quality", "price", "value", "output")
MISSING = "(missing)"


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
        "A missing number becomes the median of the training part, and one more input says that it was missing; a "
        "missing category is a category of its own.",
    ),
    "drop": GapRule("Leave out", "Rows with a gap in one of the chosen columns are left out."),
}
TASKS = {"classification": "Classes", "regression": "Numbers"}


@dataclass(frozen=True)
class Choices:
    """What a person decides about a table."""

    target: str
    features: tuple[str, ...]
    task: str  # of TASKS
    gaps: str = "fill"  # of GAP_RULES


def proposed_target(table: Table) -> str:
    """The column that is called like a target, else the last one."""
    names = {name.lower(): name for name in reversed(table.names)}
    return next((names[name] for name in TARGETS if name in names), table.names[-1])


def proposed_task(column: Column) -> str:
    """Classes for words and for a few different whole numbers, numbers for the rest."""
    if column.categories:
        return "classification"
    known = column.values[~np.isnan(column.values)]
    few = column.distinct <= min(FEW, max(2, len(known) // 5))
    return "classification" if few and (known == np.rint(known)).all() else "regression"


def tasks(column: Column) -> tuple[str, ...]:
    """What the column can be foretold as."""
    return ("classification",) if column.categories else tuple(TASKS)


def unfit(column: Column) -> str:
    """Why a column is not proposed as a feature; nothing if it is."""
    if column.gaps.all():
        return "it is empty"
    if column.distinct < 2:
        return "it says the same in every row"
    if len(column.categories) > MOST_CATEGORIES:
        return f"it has {column.distinct:,} different words, such as names, dates or texts"
    values = column.values
    if not column.categories and column.distinct == len(values) > FEW and (np.abs(np.diff(values)) == 1).all():
        return "it counts the rows"
    return ""


def propose(table: Table, target: str = "", task: str = "") -> Choices:
    """A start; `target` and `task` are kept where they are given."""
    target = target or proposed_target(table)
    features = tuple(column.name for column in table.columns if column.name != target and not unfit(column))
    return Choices(target, features, task or proposed_task(table.column(target)))


def prepare(table: Table, choices: Choices, title: str) -> tuple[Prepared, list[str]]:
    """The examples, and sentences on what was done. Raises OwnError."""
    if choices.target not in table.names:
        raise OwnError(f"There is no column {clean(choices.target)}; the columns are {', '.join(table.names[:20])}.")
    target = table.column(choices.target)
    chosen = [table.column(name) for name in choices.features if name in table.names and name != choices.target]
    if not chosen:
        raise OwnError("No feature is chosen; at least one column beside the target is allowed.")
    if choices.task not in tasks(target):
        raise OwnError(f"The column {target.name} holds words; they can be foretold as classes only.")
    wide = next((column for column in chosen if len(column.categories) > MOST_CATEGORIES), None)
    if wide:
        count = len(wide.categories)
        raise OwnError(f"The feature {wide.name} has {count:,} different words; at most {MOST_CATEGORIES} are allowed.")
    said: list[str] = []
    rows = ~target.gaps
    _say(said, (~rows).sum(), "without a target")
    if choices.gaps == "drop":
        gaps = np.logical_or.reduce([column.gaps for column in chosen])
        _say(said, (rows & gaps).sum(), "with a gap")
        rows &= ~gaps
    _check_rows(rows)
    y, names = _targets(target, choices.task, rows, said)
    _check_rows(rows)
    kept = np.flatnonzero(rows)
    inputs = sum(_width(column.take(kept), choices.gaps) for column in chosen)
    if inputs > MOST_INPUTS:
        raise OwnError(f"The features make {inputs:,} inputs; at most {MOST_INPUTS:,} are allowed.")
    if inputs * len(kept) > MOST_VALUES:
        raise OwnError(f"{len(kept):,} rows of {inputs:,} inputs are too many; {MOST_VALUES:,} values are allowed.")
    x, feature_names, groups = _encode([column.take(kept) for column in chosen], inputs, choices.gaps)
    columns = "1 column" if len(chosen) == 1 else f"{len(chosen):,} columns"
    said.append(f"{len(kept):,} rows and {inputs:,} inputs from {columns} are used.")
    if empty := int(sum(column.take(kept).gaps.sum() for column in chosen)):
        said.append(f"{empty:,} gaps: {GAP_RULES[choices.gaps].sentence}")
    if groups:
        said.append("Numbers are standardised by the training part; categories are 0 or 1 each.")
    else:
        said.append("Numbers are standardised by the training part.")
    prepared = Prepared(
        "table", clean(title), choices.task, x, y[kept], tuple(feature_names), names, target.name, tuple(groups)
    )
    return prepared, said


def _say(said: list[str], count: int, why: str) -> None:
    if count:
        said.append(f"{count:,} {'row' if count == 1 else 'rows'} {why} {'is' if count == 1 else 'are'} left out.")


def _check_rows(rows: np.ndarray) -> None:
    if (count := np.count_nonzero(rows)) < FEWEST_ROWS:
        raise OwnError(f"Only {count} rows can be used; at least {FEWEST_ROWS} are allowed.")


def _targets(target: Column, task: str, rows: np.ndarray, said: list[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Values or class numbers (N,) and class names; takes the rows of a class that occurs once out of `rows`."""
    if task == "regression":
        if len(np.unique(target.values[rows])) < 2:
            raise OwnError(f"The target {target.name} is the same in every row; at least two values are allowed.")
        return target.values, ()
    words = target.as_categories()
    counts = np.bincount(words.values[rows], minlength=len(words.categories))
    if (counts > 0).sum() > MOST_CLASSES:
        raise OwnError(
            f"The target {target.name} has {(counts > 0).sum():,} classes; 2 to {MOST_CLASSES} are allowed"
            + (", or foretell it as numbers." if not target.categories else ".")
        )
    alone = rows & (counts[words.values] == 1) & (words.values >= 0)
    _say(said, alone.sum(), "whose class occurs only once")
    rows &= ~alone
    present = np.flatnonzero(counts > 1)
    if len(present) < 2:
        raise OwnError(f"The target {target.name} has one class only; 2 to {MOST_CLASSES} are allowed.")
    return np.searchsorted(present, words.values), tuple(words.categories[i] for i in present)


def _width(column: Column, rule: str) -> int:
    marked = rule == "mark" and bool(column.gaps.any())
    return (len(column.categories) or 1) + marked


def _encode(columns: list[Column], inputs: int, rule: str) -> tuple[np.ndarray, list[str], list[tuple[int, int]]]:
    """(N, inputs) with NaN for gaps that are filled in later, the names of the inputs, and which of them are 0 or 1."""
    x = np.empty((len(columns[0].values), inputs))
    names: list[str] = []
    groups = []
    for column in columns:
        first, gaps = len(names), column.gaps
        marked = rule == "mark" and bool(gaps.any())
        if column.categories:
            categories = (*column.categories, MISSING) if marked else column.categories
            codes = np.where(gaps, len(column.categories), column.values) if marked else column.values
            for i, category in enumerate(categories):
                x[:, first + i] = codes == i
                names.append(clean(f"{column.name} = {category}"))
            x[codes < 0, first : len(names)] = np.nan
            groups.append((first, len(names)))
        else:
            x[:, first] = column.values
            names.append(column.name)
            if marked:
                x[:, first + 1] = gaps
                names.append(clean(f"{column.name} {MISSING}"))
                groups.append((first + 1, first + 2))
    return x, unique(names), groups
