"""The map of the plane with its examples, one of which can be chosen by a click."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from ui.figures.boundary import boundary
from ui.figures.theme import INK, Theme, class_style, diverging

MAX_POINTS = 600  # points drawn of each part


def chooser(
    picture: ArrayLike,
    encoding: str,
    extent: tuple[float, float],
    points: Mapping[str, tuple[ArrayLike, ArrayLike]],
    classes: Sequence[str],
    chosen: tuple[float, float] | None,
    *,
    theme: Theme = "light",
) -> go.Figure:
    """picture: (H, W) uint8 of a frame, top row first. points: part -> coordinates (N, 2) and labels (N,).

    The customdata of each mark is [part, number]. The marks of the first part are larger than the others.
    """
    bytes_ = np.asarray(picture)[::4, ::4].astype(int)
    values = bytes_ >> 5 if encoding == "class" else (bytes_ - 128) / 127
    low, high = extent
    half = (high - low) / len(values) / 2
    axis = np.linspace(low + half, high - half, len(values))
    figure = boundary(axis, axis[::-1], values, np.zeros((0, 2)), np.zeros(0), classes, theme=theme)
    figure.data = figure.data[:1]  # the map alone
    for number, (part, (places, labels)) in enumerate(points.items()):
        size = 9 if number == 0 else 6
        _marks(figure, part, np.asarray(places)[:MAX_POINTS], np.asarray(labels)[:MAX_POINTS], classes, size, theme)
    if chosen is not None:
        ring = {"symbol": "circle-open", "size": 24, "line": {"width": 4}, "color": INK[theme]}
        figure.add_scatter(x=[chosen[0]], y=[chosen[1]], mode="markers", marker=ring, hoverinfo="skip", name="chosen")
    return figure.update_layout(
        showlegend=False, height=330, dragmode=False, clickmode="event+select", meta={"click": True}
    )


def _marks(
    figure: go.Figure,
    part: str,
    places: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    size: int,
    theme: Theme,
) -> None:
    """One trace per class, in its color and shape; a selection does not fade the others."""
    rim = {"color": "#ffffff", "width": 1}
    sets: list[tuple[np.ndarray, dict[str, Any]]] = [
        (np.flatnonzero(labels == index), class_style(index)) for index in range(len(classes))
    ]
    if not classes:
        scale = {"color": labels, "colorscale": diverging(theme), "cmin": -1, "cmax": 1}
        sets = [(np.arange(len(labels)), scale)]
    opaque = {"marker": {"opacity": 1}}
    for rows, style in sets:
        figure.add_scatter(
            x=places[rows, 0],
            y=places[rows, 1],
            mode="markers",
            marker={**style, "size": size, "line": rim},
            customdata=[[part, int(row)] for row in rows],
            hovertemplate=f"{part} point %{{customdata[1]}}<br>x1 %{{x:.2f}}, x2 %{{y:.2f}}<extra></extra>",
            selected=opaque,
            unselected=opaque,
        )
