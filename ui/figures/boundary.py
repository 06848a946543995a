"""The output of a network over the plane, with the examples on top."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from ui.figures.theme import Theme, class_style, diverging, layout


def boundary(
    xs: ArrayLike,
    ys: ArrayLike,
    values: ArrayLike,
    points: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[str],
    *,
    theme: Theme = "light",
) -> go.Figure:
    """A map whose entry values[i, j] is at x1 = xs[j], x2 = ys[i]; ys may ascend or descend.

    xs: (W,). ys: (H,). values: (H, W), -1..1 for numbers and for two classes, class indices for more.
    points: (N, 2). labels: (N,) class indices, or targets in -1..1 where `classes` is empty.
    Raises ValueError if the map does not fit its axes.
    """
    xs, ys, values, points, labels = (np.asarray(array) for array in (xs, ys, values, points, labels))
    if values.shape != (len(ys), len(xs)):
        raise ValueError(f"values must be (len(ys), len(xs)) = ({len(ys)}, {len(xs)}); they are {values.shape}.")
    figure = go.Figure(layout=layout(theme, x="x1", y="x2", showlegend=bool(classes)))
    figure.add_heatmap(x=xs, y=ys, z=values, **_map_style(len(classes), theme))
    rim = {"color": "#ffffff", "width": 1.2}
    if not classes:
        marker = {"color": labels, "colorscale": diverging(theme), "cmin": -1, "cmax": 1, "size": 8, "line": rim}
        figure.add_scatter(x=points[:, 0], y=points[:, 1], name="examples", mode="markers", marker=marker)
    for index, name in enumerate(classes):
        members = points[labels == index]
        marker = {**class_style(index), "size": 8, "line": rim}
        figure.add_scatter(x=members[:, 0], y=members[:, 1], name=name, mode="markers", marker=marker)
    return figure.update_yaxes(scaleanchor="x", constrain="domain").update_xaxes(constrain="domain")


def _map_style(class_count: int, theme: Theme) -> dict[str, object]:
    """Heatmap settings: the signed scale, or one flat color per class if there are more than two."""
    style: dict[str, object] = {"opacity": 0.75, "hovertemplate": "x1 %{x:.2f}, x2 %{y:.2f}: %{z:.2f}<extra></extra>"}
    if class_count <= 2:
        return {**style, "zmin": -1, "zmax": 1, "zsmooth": "best", "colorscale": diverging(theme), "showscale": False}
    colors = [class_style(i)["color"] for i in range(class_count)]
    bands = [(edge / class_count, color) for i, color in enumerate(colors) for edge in (i, i + 1)]
    return {**style, "zmin": -0.5, "zmax": class_count - 0.5, "colorscale": bands, "showscale": False}
