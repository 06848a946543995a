"""Loss or score over the epochs, thin for training and thick for test."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from ui.figures.theme import TEST, TEST_WIDTH, TRAIN, TRAIN_WIDTH, Theme, layout


def curve(
    epochs: ArrayLike, train: ArrayLike, test: ArrayLike, *, label: str, theme: Theme = "light", log: bool = False
) -> go.Figure:
    """Two traces, "train" and "test", over epochs.

    epochs, train, test: (N,) each, N may be 0; NaN leaves a gap. label: title of the y axis, such as "loss".
    Raises ValueError if the lengths differ.
    """
    x, *series = (np.asarray(values) for values in (epochs, train, test))
    if any(values.shape != x.shape for values in series):
        raise ValueError("epochs, train and test must have the same length.")
    figure = go.Figure(layout=layout(theme, x="epoch", y=label, yaxis=_y_axis(label, log), xaxis=_EPOCH_AXIS))
    styles = (("train", TRAIN[theme], TRAIN_WIDTH), ("test", TEST[theme], TEST_WIDTH))
    for values, (name, color, width) in zip(series, styles, strict=True):
        figure.add_scatter(
            x=x,
            y=values,
            name=name,
            mode="lines",
            line={"color": color, "width": width},
            hovertemplate=f"%{{y:.4f}} {name} {label}<br>epoch %{{x}}<extra></extra>",
        )
    return figure


_EPOCH_AXIS = {"rangemode": "tozero", "autorangeoptions": {"include": [0, 10]}}


def _y_axis(label: str, log: bool) -> dict[str, object]:
    """A loss axis begins at 0; a score axis covers 0..1, so that it does not move while the line grows."""
    if label == "loss":
        return {"type": "log" if log else "linear", "rangemode": "tozero", "exponentformat": "power"}
    return {"autorangeoptions": {"include": [0, 1.02], "clipmin": -1}}
