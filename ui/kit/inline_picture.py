"""An image embedded in the page.

Streamlit stores an array passed to `st.image` as a file, and removes it when a later script run shows another image; a
browser that then requests the first one reports an error.
"""

from __future__ import annotations

import base64
import io
from functools import lru_cache

import numpy as np
import streamlit as st
from PIL import Image

from ui.figures.theme import Theme
from ui.kit.map_colors import colored


def picture(pixels: np.ndarray, *, caption: str, width: int, alt: str) -> None:
    """Show gray values, uint8 (rows, columns), `width` pixels wide. caption: Markdown; alt: for screen readers."""
    st.image(as_data_url(pixels), caption=caption, width=width, alt=alt)


def map_url(levels: np.ndarray, kind: str, theme: Theme) -> str:
    """A map (H, W), uint8 as in a frame, as a PNG in a data URL. kind: what its bytes mean, or "gray"."""
    return _map_url(levels.tobytes(), levels.shape, kind, theme)


@lru_cache(maxsize=3000)
def _map_url(levels: bytes, shape: tuple[int, ...], kind: str, theme: Theme) -> str:
    return as_data_url(np.frombuffer(levels, np.uint8).reshape(shape), _palette(kind, theme))


@lru_cache
def _palette(kind: str, theme: Theme) -> np.ndarray | None:
    """The colors of all levels; None for gray ones."""
    return None if kind == "gray" else colored(np.arange(256, dtype=np.uint8), kind, theme)


def as_data_url(pixels: np.ndarray, palette: np.ndarray | None = None) -> str:
    """The pixels as a PNG in a data URL. palette: colors (256, 3), uint8, of the gray values, for a small file."""
    file, image = io.BytesIO(), Image.fromarray(pixels)
    if palette is not None:
        image.putpalette(palette.tobytes())
    image.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
