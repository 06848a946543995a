"""Backpropagation compared with central differences: per parameter, and over the step epsilon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from ui.figures.theme import CLASS_COLORS, INK, QUIET, Theme, layout

WRONG = CLASS_COLORS[6]
_ABOVE = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}


def agreement(
    numeric: ArrayLike, analytic: ArrayLike, wrong: ArrayLike, names: Sequence[str], *, theme: Theme = "light"
) -> go.Figure:
    """One mark per parameter, on the diagonal if backpropagation and the central difference agree.

    numeric, analytic: (P,). wrong: (P,) bool, drawn as crosses. names: P hover texts.
    """
    numeric, analytic, wrong = (np.asarray(values) for values in (numeric, analytic, wrong))
    figure = go.Figure(layout=layout(theme, x="measured by a difference", y="by backpropagation", height=340,
                                     yaxis={"automargin": True}))  # fmt: skip
    reach = 1.08 * max(float(np.abs([numeric, analytic]).max(initial=0)), 1e-6)
    line = {"color": QUIET[theme], "width": 1, "dash": "dot"}
    figure.add_scatter(x=[-reach, reach], y=[-reach, reach], mode="lines", line=line, hoverinfo="skip", name="equal")
    styles = ((~wrong, "agrees", "circle", INK[theme], 7), (wrong, "does not agree", "x", WRONG, 11))
    for rows, name, symbol, color, size in styles:
        figure.add_scatter(
            x=numeric[rows],
            y=analytic[rows],
            name=name,
            mode="markers",
            marker={"symbol": symbol, "color": color, "size": size, "opacity": 0.8},
            customdata=[text for text, there in zip(names, rows, strict=True) if there],
            hovertemplate="%{customdata}<br>measured %{x:.6g}<br>backpropagation %{y:.6g}<extra></extra>",
        )
    return figure.update_layout(showlegend=True, legend=_ABOVE)


def error_over_epsilon(epsilons: ArrayLike, errors: Mapping[str, ArrayLike], *, theme: Theme = "light") -> go.Figure:
    """The largest relative error over epsilon, one line per precision, both axes logarithmic."""
    power = {"type": "log", "exponentformat": "power", "dtick": 2}
    across, up = {**power, "autorange": "reversed"}, {**power, "automargin": True}
    x, y = "epsilon, how far a parameter is moved", "largest relative error"
    figure = go.Figure(layout=layout(theme, x=x, y=y, xaxis=across, yaxis=up, height=340))
    styles = ((QUIET[theme], "dash", "square"), (INK[theme], "solid", "circle"))
    for (name, values), (color, dash, symbol) in zip(errors.items(), styles, strict=False):
        figure.add_scatter(
            x=epsilons,
            y=np.maximum(np.asarray(values), 1e-16),
            name=name,
            mode="lines+markers",
            line={"color": color, "width": 2, "dash": dash},
            marker={"symbol": symbol, "size": 8},
            hovertemplate=f"{name}<br>epsilon %{{x:.0e}}<br>error %{{y:.1e}}<extra></extra>",
        )
    return figure.update_layout(showlegend=True, legend=_ABOVE)
