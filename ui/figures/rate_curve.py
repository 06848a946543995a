"""The learning-rate range test: loss over learning rate."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from ui.figures.theme import BLUE, INK, ORANGE, TEST_WIDTH, Theme, layout


def rate_curve(rates: ArrayLike, losses: ArrayLike, *, current: float, suggestion: float | None,
               theme: Theme = "light") -> go.Figure:  # fmt: skip
    """Loss after the step with each rate, with lines at the current rate and at the suggestion, if there is one.

    rates, losses: (N,) each. Raises ValueError if their lengths differ.
    """
    rates, losses = np.asarray(rates, float), np.asarray(losses, float)
    if rates.shape != losses.shape:
        raise ValueError(f"There are {len(rates)} rates and {len(losses)} losses.")
    axis = {"type": "log", "exponentformat": "power", "dtick": 1}
    margin = {"l": 56, "r": 12, "t": 44, "b": 40}
    figure = go.Figure(layout=layout(theme, x="learning rate", y="loss", xaxis=axis, height=340, margin=margin))
    figure.add_scatter(
        x=rates,
        y=losses,
        mode="lines",
        name="loss",
        line={"color": INK[theme], "width": TEST_WIDTH},
        hovertemplate="rate %{x:.2g}<br>loss %{y:.4f}<extra></extra>",
    )
    lines = [(current, ORANGE, "dot", f"current {current:g}", 1.1)]
    lines += [(suggestion, BLUE, "solid", f"suggested {suggestion:g}", 1.02)] if suggestion else []
    for place, color, dash, text, height in lines:
        figure.add_vline(x=place, line={"color": color, "width": 2, "dash": dash})
        words = {"text": text, "xref": "x", "yref": "paper", "showarrow": False, "yanchor": "bottom"}
        figure.add_annotation(x=np.log10(place), y=height, **words)
    return figure
