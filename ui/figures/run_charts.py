"""Kept runs in one chart: their curves, a figure over a setting, and parallel coordinates."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from ui.figures.spread import FAINT, band
from ui.figures.theme import (
    CLASS_COLORS,
    GRID,
    INK,
    LOG_AXIS,
    QUIET,
    TEST_CURVE,
    TEXT,
    Theme,
    is_wide,
    layout,
    loss_axis,
)

DASHES = ("solid", "dash", "dot", "dashdot")
MAX_COLORS = 8  # runs or groups with a color of their own; more are drawn alike
HEIGHT_PX = 380
VIRIDIS = ("#440154", "#482878", "#3e4a89", "#31688e", "#26838f", "#1f9d8a", "#6cce5a", "#b6de2b", "#fee825")
MAX_TICKS = 8  # at the values themselves; more are at even distances
RAIL = 0.08  # of the height of a chart, for diverged runs
HOVER = "%{{y:.4g}} {}<br>epoch %{{x}}<extra>%{{fullData.name}}</extra>"


def plain(text: str) -> str:
    """A text from outside, of which Plotly makes no links or styles."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("%{", "%​{")


class Line(NamedTuple):
    """The curve of a run: epochs (n,) and losses (n,), which may have gaps. group: the name of its group, or ""."""

    label: str
    epochs: np.ndarray
    losses: np.ndarray
    diverged: bool = False
    group: str = ""


Spread = Callable[[np.ndarray], Sequence[np.ndarray]]


def overlay(lines: Sequence[Line], *, label: str, spread: Spread, theme: Theme = "light") -> go.Figure:
    """The losses of runs over the epochs; runs of a group are its median and a band of its quartiles.

    spread: values (runs, n) -> smallest value, quartiles and largest value, each (n,).
    """
    axis = loss_axis(np.concatenate([line.losses for line in lines]) if lines else np.zeros(0))
    figure = go.Figure(layout=layout(theme, x="epoch", y=label, height=HEIGHT_PX, yaxis=axis, **_legend()))
    groups: dict[str, list[Line]] = {}
    for number, line in enumerate(lines):
        groups.setdefault(line.group or f"\0{number}", []).append(line)
    for number, members in enumerate(groups.values()):
        style = _style(number, len(groups), theme, bool(members[0].group))
        if len(members) > 1:
            _group(figure, members, style, label, spread)
        else:
            line = members[0]
            figure.add_trace({  # a third of the time of `add_scatter`, which matters for fifty lines
                "type": "scatter", "x": line.epochs, "y": line.losses, "name": line.group or line.label, "line": style,
                "mode": "lines", "showlegend": len(groups) <= MAX_COLORS, "hovertemplate": HOVER.format(label),
            })  # fmt: skip
            if line.diverged and len(line.epochs):
                end = {"symbol": "x", "size": 9, "color": style["color"]}
                figure.add_scatter(
                    x=line.epochs[-1:], y=line.losses[-1:], mode="markers", marker=end, showlegend=False,
                    name=line.label, hovertemplate="diverged<extra>%{fullData.name}</extra>",
                )  # fmt: skip
    return figure


def _group(figure: go.Figure, members: Sequence[Line], style: Mapping[str, Any], label: str, spread: Spread) -> None:
    """Diverged members count as worse than any other from where they ended."""
    epochs = np.unique(np.concatenate([line.epochs for line in members]))
    values = np.stack([_at(line, epochs) for line in members])
    _, q1, median, q3, _ = (np.where(np.isfinite(row), row, np.nan) for row in spread(values))
    band(figure, epochs, q1, q3, style["color"], FAINT)
    name = f"{members[0].group} ({len(members)} run{'' if len(members) == 1 else 's'})"
    figure.add_scatter(x=epochs, y=median, name=name, mode="lines", line={**style, "width": 2.5}, showlegend=True,
                       hovertemplate="median " + HOVER.format(label))  # fmt: skip


def _at(line: Line, epochs: np.ndarray) -> np.ndarray:
    """The losses of a run at other epochs; it stays where it ended, and is infinite from its divergence on."""
    known = np.isfinite(line.losses)
    if not known.any():
        return np.full(len(epochs), np.inf)
    found = np.interp(epochs, line.epochs[known], line.losses[known])
    return np.where(epochs > line.epochs[known][-1], np.inf, found) if line.diverged else found


def _style(number: int, count: int, theme: Theme, are_groups: bool) -> dict[str, Any]:
    if count > MAX_COLORS and are_groups:  # in their order, from dark to bright
        return {"color": _shade(number / (count - 1)), "width": 2}
    if count > MAX_COLORS:
        return {"color": TEST_CURVE[theme], "width": 1}
    return {"color": CLASS_COLORS[number], "width": 2, "dash": DASHES[number % len(DASHES)]}


def _shade(share: float) -> str:
    """A color between the first one of VIRIDIS (0) and the last (1)."""
    places = np.linspace(0, 1, len(VIRIDIS))
    parts = np.array([[int(color[k : k + 2], 16) for k in (1, 3, 5)] for color in VIRIDIS])
    return "#" + "".join(f"{round(float(np.interp(share, places, part))):02x}" for part in parts.T)


def _legend() -> dict[str, Any]:
    return {"showlegend": True, "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0}}


class Mark(NamedTuple):
    """A run of the scatter chart. x: a number, or a name; y: None where it diverged; id: given back by a click."""

    label: str
    x: float | str
    y: float | None
    id: str = ""


def scatter(marks: Sequence[Mark], *, x: str, y: str, theme: Theme = "light") -> go.Figure:
    """A figure of runs over a setting. Diverged runs are on a rail of their own above the others."""
    fine, lost = [m for m in marks if m.y is not None], [m for m in marks if m.y is None]
    ys = np.array([m.y for m in fine], float)
    x_axis: dict[str, Any] = {"type": "category"}
    if all(isinstance(m.x, int | float) for m in marks):
        x_axis = LOG_AXIS if is_wide(np.array([m.x for m in marks], float)) else {}
    y_axis = {**(LOG_AXIS if is_wide(ys) else {"rangemode": "tozero"}), "domain": [0, 1 - RAIL - 0.02 if lost else 1]}
    figure = go.Figure(layout=layout(theme, x=x, y=y, height=HEIGHT_PX, xaxis=x_axis, yaxis=y_axis,
                                     clickmode="event", meta={"click": True}))  # fmt: skip
    place = {"mode": "markers", "hovertemplate": "%{text}<extra></extra>"}
    figure.add_scatter(
        x=[m.x for m in fine], y=ys, text=[f"{m.label}<br>{y} {m.y:.4g}" for m in fine], name="runs",
        customdata=[m.id for m in fine], marker={"size": 9, "color": TEST_CURVE[theme], "opacity": 0.8}, **place,
    )  # fmt: skip
    if lost:
        named = {"tickvals": [0], "ticktext": ["diverged"], "tickfont": {"size": 12}, "showgrid": False}
        rail = {"domain": [1 - RAIL, 1], "range": [-1, 1], "zeroline": False, "showline": True, **named}
        figure.update_layout(yaxis2={**rail, "linecolor": GRID[theme]}, margin={"l": 64})
        figure.add_scatter(
            x=[m.x for m in lost], y=np.zeros(len(lost)), yaxis="y2", name="diverged", customdata=[m.id for m in lost],
            text=[f"{m.label}<br>diverged" for m in lost], marker={"size": 9, "symbol": "x", "color": INK[theme]},
            **place,
        )  # fmt: skip
    return figure


class Axis(NamedTuple):
    """One axis of parallel coordinates, with a number or a name of each run; None where a run has diverged."""

    label: str
    values: Sequence[float | str | None]


def parallel(axes: Sequence[Axis], *, theme: Theme = "light") -> go.Figure:
    """A line for each run across all axes; a range on an axis can be brushed. The last axis colors the lines.

    A diverged run ends at a place of its own above the values of that axis.
    """
    dimensions = [_dimension(axis) for axis in axes]
    colors = dimensions[-1]["values"]
    line = {"color": colors, "colorscale": [(0, TEST_CURVE[theme]), (1, QUIET[theme])], "showscale": False}
    font = {"color": TEXT[theme], "size": 12}
    figure = go.Figure(layout=layout(theme, height=HEIGHT_PX, meta={"wide": True}))
    figure.add_parcoords(
        dimensions=dimensions, line=line, labelfont=font, tickfont=font,
        rangefont={"size": 1, "color": "rgba(0,0,0,0)"}, unselected={"line": {"opacity": 0.06}},
    )  # fmt: skip
    return figure.update_layout(margin={"l": 70, "r": 70, "t": 44, "b": 16})


def _dimension(axis: Axis) -> dict[str, Any]:
    if any(isinstance(value, str) for value in axis.values):
        names = sorted({str(value) for value in axis.values}, key=_by_number)
        return {"label": axis.label, "values": [names.index(str(value)) for value in axis.values],
                "tickvals": list(range(len(names))), "ticktext": [name[:24] for name in names],
                "range": [-0.2, len(names) - 0.8]}  # fmt: skip
    numbers = np.array([np.nan if value is None else value for value in axis.values], float)
    known = numbers[np.isfinite(numbers)]
    log = is_wide(known)
    placed = np.log10(numbers) if log else numbers
    ends = placed[np.isfinite(placed)] if known.size else np.array([0.0, 1.0])
    low, high = float(ends.min()), float(ends.max())
    room = (high - low) or abs(high) or 1.0
    marks = np.unique(ends)
    if len(marks) > MAX_TICKS:
        marks = np.linspace(low, high, 5)
    ticks = [(float(mark), f"{10**mark if log else mark:.3g}") for mark in marks]
    top = high
    if len(known) < len(numbers):
        top = high + 0.15 * room
        placed = np.where(np.isfinite(placed), placed, top)
        ticks.append((top, "diverged"))
    return {"label": axis.label, "values": placed.tolist(), "tickvals": [at for at, _ in ticks],
            "ticktext": [text for _, text in ticks], "range": [low - 0.02 * room, top + 0.02 * room]}  # fmt: skip


def _by_number(name: str) -> tuple[Any, ...]:
    """A key that sorts numbers first, by their size, and other names by the numbers in them: 4, 16, 4-4, 16-4, relu."""
    try:
        return 0, float(name)
    except ValueError:
        return 1, [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.findall(r"\d+|\D+", name)]
