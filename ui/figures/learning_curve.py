"""Loss or score over the epochs: one color and width per part, named at its end; a ring marks the best loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from ui.figures.theme import (
    TEST_CURVE,
    TEST_WIDTH,
    TRAIN_CURVE,
    TRAIN_WIDTH,
    VALIDATION_CURVE,
    VALIDATION_DASH,
    VALIDATION_WIDTH,
    Theme,
    layout,
)

LABEL_GAP = 0.08  # of the axis, between the names at the ends of two lines
LETTER_PX = 6.5  # width of a letter of these names
BEST = "best"  # name of the trace that marks the best loss


def curve(
    epochs: ArrayLike,
    train: ArrayLike,
    test: ArrayLike,
    validation: ArrayLike | None = None,
    *,
    label: str,
    theme: Theme = "light",
    log: bool = False,
) -> go.Figure:
    """Traces "train", "test" and, with a validation part, "validation" over epochs; "best" marks the lowest loss.

    The best loss is that of the validation part, or of the test part without one.

    epochs, train, test, validation: (N,) each, N may be 0; NaN leaves a gap. label: title of the y axis, such as
    "loss". Raises ValueError if the lengths differ.
    """
    x = np.asarray(epochs)
    title = "R²" if label == "R2" else label
    given = {"train": train, "test": test, "validation": validation}
    series = {name: np.asarray(values) for name, values in given.items() if values is not None}
    if any(values.shape != x.shape for values in series.values()):
        raise ValueError("epochs and all series must have the same length.")
    axes = {"x": "epoch", "y": title, "yaxis": _y_axis(label, log), "xaxis": _EPOCH_AXIS}
    figure = go.Figure(layout=layout(theme, **axes))
    lines = {
        "train": {"color": TRAIN_CURVE[theme], "width": TRAIN_WIDTH},
        "test": {"color": TEST_CURVE[theme], "width": TEST_WIDTH},
        "validation": {"color": VALIDATION_CURVE[theme], "width": VALIDATION_WIDTH, "dash": VALIDATION_DASH},
    }
    for name, values in series.items():
        figure.add_scatter(
            x=x,
            y=values,
            name=name,
            mode="lines",
            line=lines[name],
            hovertemplate=f"%{{y:.4f}} {name} {title}<br>epoch %{{x}}<extra></extra>",
        )
    colors = {name: lines[name]["color"] for name in series}
    name_lines(figure, series, colors, label, log)
    watched = "validation" if "validation" in series else "test"
    if label == "loss" and x.size > 1 and np.isfinite(series[watched]).any():
        at = int(np.nanargmin(np.where(np.isfinite(series[watched]), series[watched], np.nan)))
        ring = {"symbol": "circle-open", "size": 9, "color": lines[watched]["color"], "line": {"width": 2}}
        hover = f"%{{y:.4f}} lowest {watched} loss<br>epoch %{{x}}<extra></extra>"
        figure.add_scatter(
            x=[x[at]], y=[series[watched][at]], name=BEST, mode="markers", marker=ring, hovertemplate=hover
        )
        figure.update_xaxes(range=[0, max(10, x.max())])  # else the mark would widen the axis
    return figure


def curves(epochs: np.ndarray, values: np.ndarray, *, score: str, theme: Theme = "light") -> Mapping[str, go.Figure]:
    """The charts of a run under the names "loss" and `score`.

    epochs (N,); values (columns, N): train loss, test loss, train score, test score and, with a validation part, its
    loss and its score.
    """
    rows = {"loss": (0, 1, 4), score: (2, 3, 5)}
    return {
        name: curve(epochs, *(values[row] for row in picked if row < len(values)), label=name, theme=theme)
        for name, picked in rows.items()
    }


def apart(places: ArrayLike, gap: float, low: float, high: float) -> np.ndarray:
    """Places (N,) moved as little as needed to be `gap` apart, in the same order, from low to high if they fit."""
    moved = np.asarray(places, dtype=float).copy()
    order = np.argsort(moved, kind="stable")
    ceiling = high
    for i in order[::-1]:
        moved[i] = ceiling = min(moved[i], ceiling)
        ceiling -= gap
    floor = low
    for i in order:
        moved[i] = floor = max(moved[i], floor)
        floor += gap
    return moved


def name_lines(
    figure: go.Figure, series: Mapping[str, np.ndarray], colors: Mapping[str, Any], label: str, log: bool
) -> None:
    """Write the name of each line (n,) at its end, apart from each other. log: whether the axis is logarithmic."""
    seen = {name: y[np.isfinite(y) & ((y > 0) | (not log))] for name, y in series.items()}
    ends = {name: y[-1] for name, y in seen.items() if y.size}
    if not ends:
        return
    scale = np.log10 if log else np.asarray
    everything = scale(np.concatenate([*seen.values()]))
    low, high = (everything.min() if log else min(0.0, everything.min())), everything.max()
    high = high if "loss" in label else max(high, 1.02)
    places = apart(scale([*ends.values()]), LABEL_GAP * ((high - low) or 1), low, high)
    for name, place in zip(ends, places, strict=True):
        end = {"x": 1, "xref": "paper", "xanchor": "left", "xshift": 4, "y": place}
        figure.add_annotation(text=name, font={"color": colors[name]}, showarrow=False, **end)
    figure.update_layout(margin={"r": 8 + LETTER_PX * max(map(len, ends))})


_EPOCH_AXIS = {"rangemode": "tozero", "autorangeoptions": {"include": [0, 10]}}


def _y_axis(label: str, log: bool) -> dict[str, object]:
    """A loss axis begins at 0; a score axis covers 0..1, so that it does not move while the line grows."""
    if label == "loss":
        return {"type": "log" if log else "linear", "rangemode": "tozero", "exponentformat": "power"}
    return {"autorangeoptions": {"include": [0, 1.02], "clipmin": -1}}
