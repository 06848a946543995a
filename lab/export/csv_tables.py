"""Tables to download, as CSV text: the curve, the confusion matrix, predictions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from data.files.safe_cells import safe_cell
from engine.formulas.metrics import Scores


def curves(epochs: np.ndarray, values: np.ndarray, score: str) -> str:
    """The curve: epochs (n,), values (columns, n) as the first fields of Scores; score: its name."""
    names = (field.replace("score", score.lower()) for field in Scores._fields[: len(values)])
    rows = zip(epochs.tolist(), *(_short(row) for row in values), strict=True)
    return _table(("epoch", *names), rows)


def confusion(counts: np.ndarray, classes: Sequence[str]) -> str:
    """The confusion matrix (C, C): rows are the truth, columns the prediction."""
    rows = ((name, *row) for name, row in zip(classes, counts.tolist(), strict=True))
    return _table(("truth \\ prediction", *classes), rows)


def predictions(answers: np.ndarray, classes: Sequence[str], heading: tuple[str, str], ids: Sequence[str] = ()) -> str:
    """Predictions in the format of Kaggle, numbered from 1 where the rows have no ids.

    answers (N,): class numbers, or values for regression.
    """
    shown = [classes[number] for number in answers] if classes else _short(answers)
    return _table(heading, zip(ids or range(1, len(shown) + 1), shown, strict=True))


def _short(values: np.ndarray) -> list[str | float]:
    """The shortest decimal numbers that round to the values."""
    return [float(str(value)) for value in values]


def _table(names: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(safe_cell, names))
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return text.getvalue()
