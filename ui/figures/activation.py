"""An activation function and its derivative."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from ui.figures.theme import INK, QUIET, Theme, layout


def activation_shape(z: ArrayLike, f: ArrayLike, df: ArrayLike, *, name: str, theme: Theme = "light") -> go.Figure:
    """f(z) as a thick line and its derivative as a dashed one.

    z, f, df: (N,) each. name: of the function; also in the figure's `meta`.
    """
    z = np.asarray(z)
    figure = go.Figure(layout=layout(theme, x="z", meta={"name": name}, yaxis={"zeroline": True}))
    styles = ((f, "f(z)", INK[theme], 2.5, "solid"), (df, "derivative", QUIET[theme], 2.0, "dash"))
    for values, label, color, width, dash in styles:
        figure.add_scatter(
            x=z,
            y=np.asarray(values),
            name=label,
            mode="lines",
            line={"color": color, "width": width, "dash": dash},
            hovertemplate=f"%{{y:.3f}} {label}<br>z = %{{x:.2f}}<extra></extra>",
        )
    return figure
