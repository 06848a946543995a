"""Diagnostics of layers: their distributions, one above the other, and how fast their weights change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from ui.figures.theme import BLUE, INK, QUIET, Theme, layout

ROW_PX = 46  # of one layer
OVERLAP = 1.25  # height of the tallest bar, in rows
BAND_FILL = "rgba(0, 158, 115, 0.16)"
NAMES_WIDTH_PX = 160


def ridges(names: Sequence[str], edges: ArrayLike, counts: ArrayLike, *, x: str, theme: Theme = "light",
           span: tuple[float, float] | None = None) -> go.Figure:  # fmt: skip
    """One histogram per layer, the first layer on top, each scaled to its own tallest bar.

    names: L. edges: (L, B + 1). counts: (L, B). x: title of the axis. span: its ends.
    Raises ValueError if these do not fit each other.
    """
    edges, counts = np.asarray(edges, float), np.asarray(counts, float)
    if len(counts) != len(names) or edges.shape != (len(names), counts.shape[1] + 1):
        raise ValueError(f"There are {len(names)} names; counts are {counts.shape} and edges {edges.shape}.")
    figure = go.Figure(layout=_layout(names, x, theme))
    for row, name in enumerate(names):
        height = OVERLAP * counts[row] / max(counts[row].max(initial=0), 1)
        base, steps = len(names) - 1 - row, np.repeat(edges[row], 2)[1:-1]
        figure.add_scatter(
            x=[steps[0], *steps, steps[-1]],
            y=[base, *(base + np.repeat(height, 2)), base],
            name=name,
            mode="lines",
            fill="toself",
            line={"color": INK[theme], "width": 1},
            fillcolor="rgba(8, 119, 189, 0.45)",
            hovertemplate=f"{name}<br>%{{x:.3g}}<extra></extra>",
        )
    figure.update_yaxes(range=[-0.15, len(names) - 1 + OVERLAP + 0.05])
    return figure.update_xaxes(range=list(span)) if span else figure


def update_ratios(names: Sequence[str], ratios: ArrayLike, band: tuple[float, float], *,
                  theme: Theme = "light") -> go.Figure:  # fmt: skip
    """Update-to-weight ratio of each layer on a logarithmic axis, the healthy band shaded; NaN and 0 have no dot.

    names: L, the first layer on top. ratios: (L,). band: its ends.
    """
    ratios = np.asarray(ratios, float)
    known = ratios[np.isfinite(ratios) & (ratios > 0)]
    low, high = min([band[0] / 10, *known]), max([band[1] * 10, *known])
    more = {"type": "log", "range": [np.log10(low) - 0.2, np.log10(high) + 0.2], "exponentformat": "power", "dtick": 1}
    figure = go.Figure(layout=_layout(names, "update / weight", theme, xaxis=more))
    figure.add_vrect(x0=band[0], x1=band[1], fillcolor=BAND_FILL, line_width=0, layer="below")
    middle = float(np.sqrt(band[0] * band[1]))
    figure.add_vline(x=middle, line={"color": QUIET[theme], "width": 1, "dash": "dot"})
    inside = (ratios >= band[0]) & (ratios <= band[1])
    figure.add_scatter(
        x=np.where(ratios > 0, ratios, np.nan),
        y=np.arange(len(names))[::-1],
        mode="markers",
        marker={"size": 12, "color": BLUE, "symbol": ["circle" if ok else "x" for ok in inside]},
        hovertemplate="%{x:.2e}<extra></extra>",
    )
    return figure.update_yaxes(range=[-0.6, len(names) - 0.4])


def _layout(names: Sequence[str], x: str, theme: Theme, **more: Any) -> dict[str, Any]:
    rows = len(names)
    ticks = {"tickmode": "array", "tickvals": list(range(rows))[::-1], "ticktext": list(names), "showgrid": False}
    margin = {"l": NAMES_WIDTH_PX, "r": 10, "t": 8, "b": 40}
    return layout(theme, x=x, yaxis=ticks, height=60 + ROW_PX * (rows + 1), margin=margin, **more)
