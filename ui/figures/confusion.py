"""How often each class was taken for which. Rows are the truth, columns the prediction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from ui.figures.theme import TEST, ZERO, Theme, layout


def confusion_matrix(counts: ArrayLike, classes: Sequence[str], *, theme: Theme = "light") -> go.Figure:
    """Counts as text, shaded by their share of the row; the diagonal is bold, so that it shows without colour.

    counts: (C, C) integers. classes: C names. Raises ValueError when they do not fit each other.
    """
    counts = np.asarray(counts)
    size = len(classes)
    if counts.shape != (size, size):
        raise ValueError(f"counts must be {size} by {size}, one row and column a class; they are {counts.shape}.")
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    text = [[f"<b>{n}</b>" if i == j else str(n) for j, n in enumerate(row)] for i, row in enumerate(counts)]
    # Positions rather than names on the axes: two classes of the same name stay two rows.
    ticks = {"tickmode": "array", "tickvals": list(range(size)), "ticktext": list(classes), "showgrid": False}
    figure = go.Figure(layout=layout(theme, x="prediction", y="truth", xaxis=ticks, yaxis=ticks))
    figure.add_heatmap(
        z=share,
        text=text,
        texttemplate="%{text}",
        zmin=0,
        zmax=2,  # the darkest cell stays pale enough for its text
        colorscale=[(0.0, ZERO[theme]), (1.0, TEST[theme])],
        showscale=False,
        xgap=2,
        ygap=2,
        hovertemplate="%{text} of truth %{y} read as %{x}<extra></extra>",
    )
    return figure.update_yaxes(autorange="reversed", automargin=True)
