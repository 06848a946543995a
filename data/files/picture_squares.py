"""One picture of any format becomes a small gray square.

What only a whole set can tell is decided at its end: which values a deep picture uses, and which paper lies behind
transparent ones.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

MAX_PIXELS = 20_000_000
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "DIB", "WEBP", "TIFF", "PPM")
MIN_CONTRAST = 64  # of 255 between ink and the paper of the set; below it, a picture gets the other paper


class PictureError(ValueError):
    """Says what a picture is that cannot be read, as in "broken"."""


@dataclass(frozen=True)
class Square:
    """A picture as a square of S by S pixels, 0 black and 255 white."""

    values: np.ndarray  # (S, S) uint8; multiplied by the opacity, if there is one
    opacity: np.ndarray | None = None  # (S, S) uint8
    span: tuple[float, float] | None = None  # of a deep picture: the values that 0 and 255 stand for


def read_square(content: bytes, side: int) -> tuple[Square, int]:
    """The first frame of a picture, padded to a square with the median of its edge, and how many pixels were decoded.

    Raises PictureError.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > MAX_PIXELS:
                    size = f"{width:,} pixels wide and {height:,} high"
                    raise PictureError(f"{size}, more than the {MAX_PIXELS:,} pixels that are allowed")
                picture.draft("L", (2 * side, 2 * side))  # decodes a JPEG at reduced size
                decoded = picture.width * picture.height
                return _square(picture, side), decoded
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError("not a complete picture, despite its name") from None
    except Image.DecompressionBombError:
        raise PictureError(f"of more than the {MAX_PIXELS:,} pixels that are allowed") from None
    except Exception:  # Pillow's plugins raise errors of many kinds for broken files
        raise PictureError("broken") from None


def _square(picture: ImageFile.ImageFile, side: int) -> Square:
    # Pillow reduces 16 bits per color to the upper 8, of which a picture of 12 bits uses few.
    is_deep = picture.mode[0] in "IF" or any(";16" in str(tile) for tile in picture.tile)
    turned = ImageOps.exif_transpose(picture)
    if turned.mode in ("RGBA", "RGBa", "LA", "La", "PA") or (
        turned.mode[0] not in "IF" and "transparency" in turned.info
    ):
        opaque = turned.convert("RGBA")
        gray, opacity = opaque.convert("L"), opaque.getchannel("A")
        if opacity.getextrema() == (255, 255):
            return Square(_fitted(gray, side).astype(np.uint8))
        ink = Image.composite(gray, Image.new("L", gray.size, 0), opacity)
        return Square(_fitted(ink, side).astype(np.uint8), _fitted(opacity, side).astype(np.uint8))
    gray = turned if turned.mode[0] in "IF" else turned.getchannel(0) if turned.mode == "LAB" else turned.convert("L")
    if not is_deep:
        return Square(_fitted(gray, side).astype(np.uint8))
    values = np.asarray(gray).astype(np.float32)
    values[~np.isfinite(values)] = values[np.isfinite(values)].min(initial=0)
    values = _fitted(Image.fromarray(values), side).astype(np.float64)
    low, high = values.min(), values.max()
    return Square(_rescaled(values, low, high), span=(float(low), float(high)))


def _fitted(picture: Image.Image, side: int) -> np.ndarray:
    """(side, side), the picture in the middle."""
    scale = side / max(picture.size)
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    values = np.asarray(picture.resize(size, method))
    edge = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    square = np.full((side, side), np.median(edge), dtype=values.dtype)
    top, left = (side - values.shape[0]) // 2, (side - values.shape[1]) // 2
    square[top : top + values.shape[0], left : left + values.shape[1]] = values
    return square


def _rescaled(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """uint8, 0 for low and 255 for high; 0 everywhere if they are equal."""
    return ((values - low) * (255 / (high - low) if high > low else 0)).clip(0, 255).round().astype(np.uint8)


def stretch(pixels: np.ndarray, spans: Mapping[int, tuple[float, float]]) -> None:
    """Deep pictures, rows of pixels (N, S * S), from their own spans to the one that all of them use, in place."""
    low, high = min(low for low, _ in spans.values()), max(high for _, high in spans.values())
    for i, (start, end) in spans.items():
        pixels[i] = _rescaled(start + pixels[i] / 255 * (end - start), low, high)


def put_on_paper(pixels: np.ndarray, opacities: Mapping[int, np.ndarray]) -> int:
    """Transparent pictures, rows of pixels (N, S * S), on black or white, in place; returns the usual paper, 0 or 255.

    All get the opposite of the mean ink of the set, so that paper tells no class; where that would hide a picture's
    ink, it gets the other one.
    """
    ink = {i: _mean(pixels[i], opacity) for i, opacity in opacities.items()}
    weights = [float(opacity.sum()) for opacity in opacities.values()]
    mean = np.average(list(ink.values()), weights=weights) if any(weights) else 0
    usual = 0 if mean >= 128 else 255
    for i, opacity in opacities.items():
        paper = 255 - usual if abs(ink[i] - usual) < MIN_CONTRAST else usual
        pixels[i] = (pixels[i] + (255 - opacity.astype(float)) / 255 * paper).clip(0, 255).round()
    return usual


def _mean(ink: np.ndarray, opacity: np.ndarray) -> float:
    """The mean gray of a picture where it is opaque, 0 to 255."""
    return 255 * float(ink.sum()) / max(1.0, float(opacity.sum()))
