"""Activation and loss functions, with the numbers of a network on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from ui.figures.theme import BLUE, CLASS_COLORS, INK, ORANGE, QUIET, Theme, layout

OTHERS = CLASS_COLORS[2:]  # the first two mean negative and positive
DASHES = ("solid", "longdash", "dashdot", "dot")


class Curve(NamedTuple):
    """A function over x (N,): its values and its derivative."""

    name: str
    values: np.ndarray
    slope: np.ndarray


def by_sign(values: ArrayLike) -> list[str]:
    """Orange for negative values, blue for the others."""
    return [ORANGE if value < 0 else BLUE for value in np.asarray(values)]


def shapes(
    x: ArrayLike,
    curves: Sequence[Curve],
    dots: tuple[ArrayLike, ArrayLike] = ((), ()),
    *,
    titles: tuple[str, str] = ("z", "f(z)"),
    slope: str = "derivative",
    theme: Theme = "light",
) -> go.Figure:
    """The first curve thick with its derivative dashed, the others thin, each in its own color.

    x: (N,). dots: positions and heights on the first curve. titles: of both axes.
    """
    figure = go.Figure(layout=layout(theme, x=titles[0], y=titles[1], showlegend=True, legend=_ABOVE, height=330))
    figure.update_xaxes(zeroline=True).update_yaxes(zeroline=True)
    hover = f"{titles[0]} = %{{x:.3f}}<br>%{{y:.4f}}<extra>%{{fullData.name}}</extra>"
    for number, curve in enumerate(curves):
        color = INK[theme] if number == 0 else OTHERS[(number - 1) % len(OTHERS)]
        line = {"color": color, "width": 3 if number == 0 else 2, "dash": DASHES[number % len(DASHES)]}
        figure.add_scatter(x=x, y=curve.values, name=curve.name, mode="lines", line=line, hovertemplate=hover)
    line = {"color": QUIET[theme], "width": 2, "dash": "dash"}
    figure.add_scatter(x=x, y=curves[0].slope, name=slope, mode="lines", line=line, hovertemplate=hover)
    across, heights = (np.asarray(values) for values in dots)
    if len(across):
        marker = {"color": by_sign(across), "size": 10, "line": {"color": INK[theme], "width": 1}}
        figure.add_scatter(x=across, y=heights, name="this network", mode="markers", marker=marker, hovertemplate=hover)
    return figure


_ABOVE = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 12}}


def pre_activation_histogram(
    edges: ArrayLike,
    counts: ArrayLike,
    line: tuple[ArrayLike, ArrayLike],
    dots: tuple[ArrayLike, ArrayLike],
    *,
    theme: Theme = "light",
) -> go.Figure:
    """Histogram of the pre-activations of one layer, with the layer's activation function over it.

    edges: (B + 1,). counts: (B,). line: z and values of the function. dots: the same for the chosen example.
    """
    edges, counts = np.asarray(edges), np.asarray(counts)
    centers = (edges[:-1] + edges[1:]) / 2
    second = {"overlaying": "y", "side": "right", "showgrid": False, "zeroline": False, "tickmode": "auto", "nticks": 4}
    figure = go.Figure(layout=layout(theme, x="z", height=210, bargap=0, yaxis2=second))
    figure.update_layout(margin={"l": 8, "r": 34, "t": 6, "b": 34}).update_yaxes(selector=0, showticklabels=False)
    figure.add_bar(
        x=centers,
        y=counts / max(int(counts.sum()), 1),
        marker={"color": by_sign(centers), "line": {"width": 0}},
        opacity=0.55,
        hovertemplate="z about %{x:.2f}: %{y:.1%}<extra></extra>",
    )
    style, hover = {"color": INK[theme], "width": 2}, "f(%{x:.2f}) = %{y:.3f}<extra></extra>"
    figure.add_scatter(x=line[0], y=line[1], mode="lines", line=style, yaxis="y2", hovertemplate=hover)
    marker = {"color": by_sign(dots[0]), "size": 9, "line": {"color": INK[theme], "width": 1}}
    figure.add_scatter(x=dots[0], y=dots[1], mode="markers", marker=marker, yaxis="y2", hovertemplate=hover)
    return figure


def softmax_bars(names: Sequence[str], warm: ArrayLike, plain: ArrayLike, *, theme: Theme = "light") -> go.Figure:
    """Softmax probabilities (K,) of K classes: bars at the chosen temperature, marks at temperature 1."""
    places = np.arange(len(names))
    ticks = {"tickmode": "array", "tickvals": places, "ticktext": list(names), "showgrid": False, "type": "linear"}
    figure = go.Figure(
        layout=layout(theme, y="probability", xaxis=ticks, yaxis={"range": [0, 1.02]}, showlegend=True, legend=_ABOVE)
    )
    hover = "%{y:.3f}<extra>%{fullData.name}</extra>"
    figure.add_bar(
        x=places, y=np.asarray(warm), name="at this temperature", marker={"color": BLUE}, hovertemplate=hover
    )
    mark = {"symbol": "line-ew", "size": 34, "line": {"width": 3, "color": INK[theme]}}
    figure.add_scatter(x=places, y=plain, name="at temperature 1", mode="markers", marker=mark, hovertemplate=hover)
    return figure.update_layout(height=360)
