"""The plane in which toy data and hand-drawn points lie."""

from __future__ import annotations

EXTENT = (-6.0, 6.0)  # the part that is shown, on both axes
REACH = 5.0  # the largest distance of the toy classes from the center
