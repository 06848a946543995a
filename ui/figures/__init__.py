"""Arrays and records in, Plotly figures out. Nothing here knows of Streamlit or of networks."""

from __future__ import annotations

from ui.figures.activation import activation_shape
from ui.figures.boundary import boundary
from ui.figures.confusion import confusion_matrix
from ui.figures.curves import curve
from ui.figures.descent import Way, descent_heights, descent_map, descent_surface
from ui.figures.health import ridges, update_ratios
from ui.figures.rates import rate_curve

__all__ = [
    "Way",
    "activation_shape",
    "boundary",
    "confusion_matrix",
    "curve",
    "descent_heights",
    "descent_map",
    "descent_surface",
    "rate_curve",
    "ridges",
    "update_ratios",
]
