"""Arrays and records in, Plotly figures out. Nothing here knows of Streamlit or of networks."""

from __future__ import annotations

from ui.figures.activation import activation_shape
from ui.figures.boundary import boundary
from ui.figures.confusion import confusion_matrix
from ui.figures.curves import curve

__all__ = ["activation_shape", "boundary", "confusion_matrix", "curve"]
