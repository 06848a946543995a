"""The colors of all figures, each with one meaning, and their common layout. palette.js holds the same values."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

Theme = Literal["light", "dark"]

ORANGE = "#f59322"  # negative, class 0
BLUE = "#0877bd"  # positive, class 1
ZERO = {"light": "#eef0f1", "dark": "#20242a"}
CLASS_COLORS = (ORANGE, BLUE, "#009e73", "#cc79a7", "#8c6d1f", "#56b4e9", "#d55e00", "#7f7f7f")
CLASS_SYMBOLS = ("circle", "square", "triangle-up", "diamond", "x", "triangle-down", "star", "cross")
INK = {"light": "#2a2e35", "dark": "#e4e7eb"}  # lines and marks without a meaning of their own
QUIET = {"light": "#7d838c", "dark": "#8b919a"}  # those in the background
# Hues that no class has, apart for color-blind people and in gray as well.
TRAIN_CURVE = {"light": "#657d00", "dark": "#7f9a2a"}
VALIDATION_CURVE = {"light": "#565b64", "dark": "#b4b9bf"}
TEST_CURVE = {"light": "#512da8", "dark": "#cdb8ff"}
GRID = {"light": "#e3e6e9", "dark": "#343a42"}
TEXT = {"light": "#31333f", "dark": "#fafafa"}
FONT = '"Source Sans", sans-serif'  # of Streamlit's pages

# In every chart, thin for training, thick for test, dashed between them for validation.
TRAIN_WIDTH, VALIDATION_WIDTH, TEST_WIDTH = 1.5, 2.0, 3.0
VALIDATION_DASH = "dash"

LOG_RATIO = 30.0  # between the largest and the smallest value of an axis, from which on it is logarithmic
LOG_AXIS = {"type": "log", "tickformat": "~g"}  # whole numbers at the ticks; Plotly writes 2 and 5 for 0.2 and 0.5


def layout(theme: Theme = "light", *, x: str = "", y: str = "", **more: Any) -> dict[str, Any]:
    """Layout of all figures: no background, no title, small margins, and a zoom that survives new data.

    x, y: titles of the axes; `more` holds further layout entries, of which `xaxis` and `yaxis` are merged in.
    """
    axis = {
        "gridcolor": GRID[theme],
        "zerolinecolor": GRID[theme],
        "linecolor": GRID[theme],
        "tickfont": {"size": 12},
        "nticks": 6,
        "showline": True,
    }
    title = {"standoff": 4, "font": {"size": 12}}
    given_x, given_y = more.pop("xaxis", {}), more.pop("yaxis", {})
    return {
        "template": go.layout.Template(),
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": TEXT[theme], "size": 12, "family": FONT},
        "hoverlabel": {"font": {"family": FONT}},
        "margin": {"l": 48, "r": 8, "t": 6, "b": 36},
        "showlegend": False,
        "hovermode": "closest",
        "dragmode": "zoom",
        "uirevision": "constant",
        "xaxis": {**axis, "title": {"text": x, **title}, **given_x},
        "yaxis": {**axis, "title": {"text": y, **title}, **given_y},
        **more,
    }


def is_wide(values: np.ndarray) -> bool:
    """Whether a logarithmic axis shows these values better: all are positive, and they differ by a large factor."""
    known = values[np.isfinite(values)]
    return bool(known.size) and bool(known.min() > 0) and bool(known.max() / known.min() >= LOG_RATIO)


def loss_axis(values: np.ndarray) -> dict[str, Any]:
    """The axis of these losses."""
    return {**LOG_AXIS, "exponentformat": "power"} if is_wide(values) else {"rangemode": "tozero"}


def diverging(theme: Theme = "light") -> list[tuple[float, str]]:
    """Plotly color scale for values in -1..1: orange, pale, blue."""
    return [(0.0, ORANGE), (0.5, ZERO[theme]), (1.0, BLUE)]


def class_style(index: int) -> dict[str, str]:
    """Color and marker symbol of a class; they repeat after eight."""
    return {"color": CLASS_COLORS[index % len(CLASS_COLORS)], "symbol": CLASS_SYMBOLS[index % len(CLASS_SYMBOLS)]}
