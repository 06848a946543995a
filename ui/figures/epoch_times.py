"""Duration of an epoch over batch size, for several widths and one or more devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from ui.figures.theme import CLASS_COLORS, CLASS_SYMBOLS, LOG_AXIS, Theme, layout

DASHES = ("solid", "dot", "dash")  # of the first device, the second, ...


def epoch_times(rows: Sequence[Mapping[str, Any]], theme: Theme = "light") -> go.Figure:
    """One line per width and device. rows: device, width, batch and epoch_s, the seconds per epoch."""
    sizes = sorted({row["batch"] for row in rows})
    x = {"type": "log", "tickvals": sizes, "ticktext": [str(size) for size in sizes]}
    y = {**LOG_AXIS, "dtick": "D2", "automargin": True}
    margin = {"l": 56, "r": 12, "t": 30, "b": 40}
    legend = {"orientation": "h", "y": 1.0, "yanchor": "bottom"}
    figure = go.Figure(layout=layout(theme, x="batch size", y="seconds per epoch", xaxis=x, yaxis=y, height=380,
                                     margin=margin, showlegend=True, legend=legend))  # fmt: skip
    devices = list(dict.fromkeys(row["device"] for row in rows))
    for number, width in enumerate(sorted({row["width"] for row in rows})):
        for dash, device in zip(DASHES, devices, strict=False):
            cells = [row for row in rows if (row["width"], row["device"]) == (width, device)]
            name = f"{width} neurons" if len(devices) == 1 else f"{width} neurons, {device}"
            figure.add_scatter(
                x=[cell["batch"] for cell in cells],
                y=[cell["epoch_s"] for cell in cells],
                name=name,
                mode="lines+markers",
                line={"color": CLASS_COLORS[2 + number], "dash": dash, "width": 2},
                marker={"symbol": CLASS_SYMBOLS[number], "size": 8},
                hovertemplate=f"{name}<br>batch %{{x}}<br>%{{y:.3g}} s per epoch<extra></extra>",
            )
    return figure
