"""Pictures that need no file beside the page."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from ui.kit.inline_picture import as_data_url


def test_the_pixels_are_inside_the_link_unchanged():
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    kind, _, content = as_data_url(pixels).partition(",")
    assert kind == "data:image/png;base64"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))), pixels)


def test_gray_values_are_shown_in_the_colors_of_a_palette():
    pixels, palette = np.arange(12, dtype=np.uint8).reshape(3, 4), np.arange(768, dtype=np.uint8).reshape(256, 3)
    content = as_data_url(pixels, palette).partition(",")[2]
    shown = Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB")
    assert np.array_equal(np.asarray(shown), palette[pixels])
