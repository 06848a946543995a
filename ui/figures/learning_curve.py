"""Loss or score over the epochs, thin for training, thick for test and dashed for validation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from ui.figures.theme import (
    TEST,
    TEST_WIDTH,
    TRAIN,
    TRAIN_WIDTH,
    VALIDATION,
    VALIDATION_DASH,
    VALIDATION_WIDTH,
    Theme,
    layout,
)


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
    """Traces "train", "test" and, with a validation part, "validation" over epochs.

    epochs, train, test, validation: (N,) each, N may be 0; NaN leaves a gap. label: title of the y axis, such as
    "loss". Raises ValueError if the lengths differ.
    """
    x = np.asarray(epochs)
    given = {"train": train, "test": test, "validation": validation}
    series = {name: np.asarray(values) for name, values in given.items() if values is not None}
    if any(values.shape != x.shape for values in series.values()):
        raise ValueError("epochs and all series must have the same length.")
    axes = {"x": "epoch", "y": label, "yaxis": _y_axis(label, log), "xaxis": _EPOCH_AXIS}
    figure = go.Figure(layout=layout(theme, **axes, legend=_legend(label)))
    lines = {
        "train": {"color": TRAIN[theme], "width": TRAIN_WIDTH},
        "test": {"color": TEST[theme], "width": TEST_WIDTH},
        "validation": {"color": VALIDATION[theme], "width": VALIDATION_WIDTH, "dash": VALIDATION_DASH},
    }
    for name, values in series.items():
        figure.add_scatter(
            x=x,
            y=values,
            name=name,
            mode="lines",
            line=lines[name],
            hovertemplate=f"%{{y:.4f}} {name} {label}<br>epoch %{{x}}<extra></extra>",
        )
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


_EPOCH_AXIS = {"rangemode": "tozero", "autorangeoptions": {"include": [0, 10]}}


def _legend(label: str) -> dict[str, object]:
    """The legend of a saved picture, in the corner that the lines leave free; on the page the heading names them."""
    y, anchor = (1, "top") if label == "loss" else (0, "bottom")
    place = {"x": 1, "xanchor": "right", "y": y, "yanchor": anchor}
    return {**place, "bgcolor": "rgba(0,0,0,0)", "font": {"size": 10}}


def _y_axis(label: str, log: bool) -> dict[str, object]:
    """A loss axis begins at 0; a score axis covers 0..1, so that it does not move while the line grows."""
    if label == "loss":
        return {"type": "log" if log else "linear", "rangemode": "tozero", "exponentformat": "power"}
    return {"autorangeoptions": {"include": [0, 1.02], "clipmin": -1}}
