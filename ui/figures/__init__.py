"""Plotly figures from arrays and records. Nothing here knows Streamlit or networks."""

from __future__ import annotations

from ui.figures.activation import activation_shape
from ui.figures.boundary import boundary
from ui.figures.descent import DescentPath, descent_heights, descent_map, descent_surface
from ui.figures.layer_health import ridges, update_ratios
from ui.figures.learning_curve import curve
from ui.figures.rate_curve import rate_curve

__all__ = [
    "DescentPath",
    "activation_shape",
    "boundary",
    "curve",
    "descent_heights",
    "descent_map",
    "descent_surface",
    "rate_curve",
    "ridges",
    "update_ratios",
]
