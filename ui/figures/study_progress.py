"""A study under way: the best trial so far with its band, and which settings matter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from ui.figures.spread import FAINT, band
from ui.figures.theme import INK, LOG_AXIS, QUIET, VALIDATION_CURVE, Theme, is_wide, layout

HEIGHT_PX = 340
SYMBOLS = {"done": "circle", "pruned": "circle-open", "failed": "x"}


class Point(NamedTuple):
    """A trial. value: None where it has none; low, high: of its runs."""

    number: int
    state: str
    value: float | None
    low: float
    high: float


def progress(points: Sequence[Point], trials: int, *, label: str, minimize: bool,
             theme: Theme = "light") -> go.Figure:  # fmt: skip
    """The value of each trial in order, and the best so far with the range of its runs.

    Failed trials are drawn at the worst value. trials: the budget.
    """
    known = [point for point in points if point.value is not None]
    values = np.array([point.value for point in known], float)
    axis: dict[str, Any] = LOG_AXIS if minimize and is_wide(values) else {"rangemode": "tozero"}
    numbers_axis = {"range": [-0.5, trials - 0.5], "tickformat": "d"}
    figure = go.Figure(layout=layout(theme, x="trial", y=label, height=HEIGHT_PX, yaxis=axis, xaxis=numbers_axis))
    color = VALIDATION_CURVE[theme]
    best = _best_so_far(known, minimize)
    if best:
        numbers, found = zip(*best, strict=True)
        low, middle, high = (np.array([getattr(p, name) for p in found], float) for name in ("low", "value", "high"))
        steps = np.repeat(numbers, 2)[1:], np.repeat(low, 2)[:-1], np.repeat(high, 2)[:-1]  # as the line goes
        band(figure, *steps, color, FAINT)
        figure.add_scatter(x=numbers, y=middle, mode="lines", name="best so far",
                           line={"color": color, "width": 2.5, "shape": "hv"}, hoverinfo="skip")  # fmt: skip
    worst = float(values.max() if minimize else values.min()) if known else 1.0
    for state, symbol in SYMBOLS.items():
        marks = [point for point in points if point.state == state]
        text = [f"trial {p.number}, {state}" + ("" if p.value is None else f"<br>{label} {p.value:.4g}") for p in marks]
        figure.add_scatter(
            x=[point.number for point in marks], y=[worst if point.value is None else point.value for point in marks],
            mode="markers", name=state, text=text, hovertemplate="%{text}<extra></extra>",
            marker={"symbol": symbol, "size": 8, "color": (QUIET if state == "pruned" else INK)[theme]},
        )  # fmt: skip
    return figure


def _best_so_far(points: Sequence[Point], minimize: bool) -> list[tuple[int, Point]]:
    """Number of a trial -> the best complete trial until then."""
    found: list[tuple[int, Point]] = []
    sign, best = (1 if minimize else -1), None
    for point in points:
        if point.state == "done" and (best is None or sign * (point.value or 0.0) < sign * (best.value or 0.0)):
            best = point
        if best is not None:
            found.append((point.number, best))
    return found


def importance(shares: Sequence[tuple[str, float]], *, theme: Theme = "light") -> go.Figure:
    """A bar for each setting, the most important one at the top. shares: label and share of the differences."""
    names, values = zip(*reversed(shares), strict=True)
    axis = {"tickformat": ".0%", "range": [0, 1]}
    figure = go.Figure(layout=layout(theme, height=80 + 34 * len(shares), xaxis=axis))
    figure.add_bar(x=values, y=names, orientation="h", marker={"color": VALIDATION_CURVE[theme]},
                   hovertemplate="%{y} %{x:.0%}<extra></extra>")  # fmt: skip
    return figure.update_layout(margin={"l": 130})
