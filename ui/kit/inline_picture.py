"""A picture that is part of the page itself.

Streamlit keeps what `st.image` is given as a file and removes it when another script run shows another picture: a
browser that comes a moment later for the one before reports an error.
"""

from __future__ import annotations

import base64
import io

import numpy as np
import streamlit as st
from PIL import Image


def picture(pixels: np.ndarray, *, caption: str, width: int, alt: str) -> None:
    """Show grey values, uint8 (rows, columns), `width` pixels wide. caption: Markdown; alt: what is read aloud."""
    st.image(as_link(pixels), caption=caption, width=width, alt=alt)


def as_link(pixels: np.ndarray) -> str:
    """The pixels as a PNG inside a link."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
