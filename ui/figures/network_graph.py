"""A small network as a graph: the numbers of one step at its units, and one weight highlighted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from ui.figures.theme import BLUE, INK, ORANGE, QUIET, ZERO, Theme, layout

WIDTHS = (0.6, 1.4, 2.6, 4.2)  # of a line, by its weight relative to the largest one
NOTHING_YET = "\u200b"  # not empty: Plotly draws no text into a trace whose texts were all empty before


class Column(NamedTuple):
    """One layer. values: (S,) numbers at its S units, or None if the current step does not know them yet."""

    title: str
    labels: Sequence[str]
    values: np.ndarray | None
    hidden: int  # units that are not drawn


class Chosen(NamedTuple):
    """The highlighted weight: layer, and positions in two neighboring columns; source -1 is the bias of the target."""

    layer: int
    source: int
    target: int


def network(
    columns: Sequence[Column], weights: Sequence[np.ndarray], chosen: Chosen, here: int, *, theme: Theme = "light"
) -> go.Figure:
    """Units as circles with their numbers, orange if negative and blue if positive; weights as lines, wider if larger.

    weights: between neighboring columns, (S_in, S_out). here: the current column. Raises ValueError if weights and
    columns do not fit each other.
    """
    for number, matrix in enumerate(weights):
        expected = (len(columns[number].labels), len(columns[number + 1].labels))
        if matrix.shape != expected:
            raise ValueError(f"weights {number} must be {expected}; they are {matrix.shape}.")
    tallest = max(len(column.labels) for column in columns)
    bare = {"visible": False, "fixedrange": True}
    figure = go.Figure(layout=layout(theme, height=90 + 34 * max(tallest, 4), dragmode=False, xaxis=bare, yaxis=bare))
    figure.update_xaxes(range=[-0.4, len(columns) - 0.6]).update_yaxes(range=[-tallest / 2 - 0.2, tallest / 2 + 0.9])
    figure.update_layout(margin={"l": 4, "r": 4, "t": 4, "b": 4})
    for number, matrix in enumerate(weights):
        _lines(figure, number, matrix)
    _chosen_line(figure, columns, weights, chosen, theme)
    for number, column in enumerate(columns):
        _units(figure, number, column, number == here, tallest, theme)
    return figure


def _height(place: float, count: int) -> float:
    return (count - 1) / 2 - place


def _lines(figure: go.Figure, number: int, matrix: np.ndarray) -> None:
    """One trace per sign and width, because one per weight would be slow."""
    size = np.abs(matrix) / max(float(np.abs(matrix).max(initial=0)), 1e-30)
    step = np.minimum((size * len(WIDTHS)).astype(int), len(WIDTHS) - 1)
    for sign, color in ((-1, ORANGE), (1, BLUE)):
        for level, width in enumerate(WIDTHS):
            pairs = np.argwhere((np.where(matrix < 0, -1, 1) == sign) & (step == level))
            xs, ys = [], []
            for i, j in pairs:
                xs += [number, number + 1, None]
                ys += [_height(i, matrix.shape[0]), _height(j, matrix.shape[1]), None]
            style = {"color": color, "width": width}
            if xs:
                figure.add_scatter(x=xs, y=ys, mode="lines", line=style, opacity=0.45, hoverinfo="skip")


def _chosen_line(
    figure: go.Figure, columns: Sequence[Column], weights: Sequence[np.ndarray], chosen: Chosen, theme: Theme
) -> None:
    layer, source, target = chosen
    end = _height(target, len(columns[layer + 1].labels))
    begin = _height(source, len(columns[layer].labels)) if source >= 0 else end - 0.75
    start = layer if source >= 0 else layer + 0.55
    style = {"color": INK[theme], "width": 5}
    figure.add_scatter(x=[start, layer + 1], y=[begin, end], mode="lines", line=style, hoverinfo="skip", name="chosen")
    if source < 0:
        figure.add_annotation(x=start, y=begin, text="bias", showarrow=False, xanchor="right", font={"size": 12})


def _units(figure: go.Figure, number: int, column: Column, here: bool, tallest: int, theme: Theme) -> None:
    count = len(column.labels)
    if column.values is None:
        texts, hover, fill = (
            [NOTHING_YET] * count,
            [f"{label}: not yet" for label in column.labels],
            [ZERO[theme]] * count,
        )
    else:
        texts = [_short(value) for value in column.values]
        hover = [f"{label}: {value:.5g}" for label, value in zip(column.labels, column.values, strict=True)]
        fill = [_fill(value, column.values, theme) for value in column.values]
    edge = {"color": INK[theme] if here else QUIET[theme], "width": 2.5 if here else 1}
    figure.add_scatter(
        x=[number] * count,
        y=[_height(place, count) for place in range(count)],
        mode="markers+text",
        text=texts,
        customdata=hover,
        textfont={"size": 11, "color": INK[theme]},
        marker={"size": 34, "color": fill, "line": edge, "opacity": 1},
        hovertemplate="%{customdata}<extra></extra>",
        name=column.title,
    )
    title = f"<b>{column.title}</b>" if here else column.title
    figure.add_annotation(x=number, y=tallest / 2 + 0.55, text=title, showarrow=False, font={"size": 12})
    if column.hidden:
        text = f"and {column.hidden:,} more"
        figure.add_annotation(x=number, y=-tallest / 2 - 0.1, text=text, showarrow=False, font={"size": 11})


def _short(value: float) -> str:
    """At most three significant digits, as many as fit into a circle."""
    return f"{value:.2f}" if 0.01 <= abs(value) < 10 else "0" if not value else f"{value:.0e}".replace("e-0", "e-")


def _fill(value: float, values: np.ndarray, theme: Theme) -> str:
    """A shade between the pale middle and orange or blue, always pale enough for the number on it."""
    share = 0.65 * min(abs(float(value)) / max(float(np.abs(values).max()), 1e-30), 1.0)
    ends = zip(_rgb(ZERO[theme]), _rgb(ORANGE if value < 0 else BLUE), strict=True)
    return "rgb({},{},{})".format(*(round(pale + (strong - pale) * share) for pale, strong in ends))


def _rgb(color: str) -> tuple[int, ...]:
    return tuple(int(color[at : at + 2], 16) for at in (1, 3, 5))
