"""Turns a drawing into a picture like those a network was trained on, and transforms pictures. Pure NumPy.

For MNIST, the ink was cropped, scaled into a box of 20 by 20 pixels with its proportions kept, and placed into 28 by 28
with its center of mass in the middle. For the small digits, the ink was scaled to the height of a bitmap of 32 by 32
and the black pixels of every block of 4 by 4 were counted, 0 to 16. In that set no digit is wider than six or seven
blocks and ink covers three tenths of every picture, so wide drawings are narrowed and thin strokes thickened.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

INK_THRESHOLD = 0.02  # fraction of the darkest ink; less counts as paper
INK_FRACTION = 20 / 28  # of the picture's side
BLOCK_PIXELS = 4  # side of the bitmap block behind one pixel of the small digits
SMALL_SHAPE, BITMAP_SHAPE = (8, 8), (32, 32)  # (rows, columns) of the small digits and of their bitmap
MAX_INK_COLUMNS = 26  # of the bitmap
MAX_NARROWING = 2  # a drawing wider than this many times MAX_INK_COLUMNS stays flat, like a dash
MIN_INK_COVERAGE = 0.26  # fraction of the bitmap


class PreparedDrawing(NamedTuple):
    picture: np.ndarray  # (rows, columns) uint8, the network's input
    box: tuple[int, int, int, int] | None  # of the ink in the drawing: top, bottom, left, right

    @property
    def empty(self) -> bool:
        return self.box is None


def prepare_drawing(ink: np.ndarray, shape: tuple[int, int]) -> PreparedDrawing:
    """A drawing (H, W), 0 for paper and up to 255 for ink, as a picture of `shape` (rows, columns).

    A drawing without ink gives an empty result whose picture is all 0.
    """
    ink = np.asarray(ink, dtype=np.float64)
    box = _box(ink)
    if box is None:
        return PreparedDrawing(np.zeros(shape, np.uint8), None)
    top, bottom, left, right = box
    cropped = ink[top:bottom, left:right]
    gray = _block_counts(cropped) if shape == SMALL_SHAPE else _centered(cropped, shape)
    return PreparedDrawing(np.clip(np.rint(gray), 0, 255).astype(np.uint8), box)


def _box(ink: np.ndarray) -> tuple[int, int, int, int] | None:
    inked = ink > INK_THRESHOLD * max(ink.max(initial=0), 1)
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    if not len(rows):
        return None
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _centered(ink: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """MNIST's preparation: scaled to 20/28 of the sides, center of mass in the middle."""
    scale = min(side * INK_FRACTION / length for side, length in zip(shape, ink.shape, strict=True))
    small = _normalized(resized(ink, *(max(1, round(length * scale)) for length in ink.shape)))
    return _placed(small, shape, 0.5)  # MNIST centers on the pixel just below and right of the middle


def _block_counts(ink: np.ndarray) -> np.ndarray:
    """The small digits' preparation: ink scaled to the height of a bitmap, black pixels counted per block."""
    scale = min(BITMAP_SHAPE[0] / ink.shape[0], MAX_NARROWING * MAX_INK_COLUMNS / ink.shape[1])
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    bitmap = _placed(_normalized(resized(ink, height, min(width, MAX_INK_COLUMNS))), BITMAP_SHAPE, 0)
    while bitmap.mean() < MIN_INK_COVERAGE * 255:
        bitmap = _dilated(bitmap)
    counts = bitmap.reshape(SMALL_SHAPE[0], BLOCK_PIXELS, SMALL_SHAPE[1], BLOCK_PIXELS).sum(axis=(1, 3)) / 255
    return np.rint(counts) * (255 / BLOCK_PIXELS**2)


def _normalized(ink: np.ndarray) -> np.ndarray:
    """Rescale ink to a maximum of 255: shrinking a drawing lightens thin strokes."""
    return ink * (255 / ink.max())


def _placed(small: np.ndarray, shape: tuple[int, int], offset: float) -> np.ndarray:
    """A picture of `shape` holding a smaller one, its center of mass `offset` pixels past the middle."""
    start = []
    for axis, (whole, side) in enumerate(zip(shape, small.shape, strict=True)):
        at = (np.arange(side) + 0.5) @ small.sum(axis=1 - axis) / small.sum()
        start.append(int(np.clip(round(whole / 2 + offset - at), 0, whole - side)))
    picture = np.zeros(shape)
    picture[start[0] : start[0] + small.shape[0], start[1] : start[1] + small.shape[1]] = small
    return picture


def resized(picture: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """A picture (H, W) resized by area averaging (anti-aliased)."""
    return _averaging_matrix(picture.shape[0], rows) @ picture @ _averaging_matrix(picture.shape[1], columns).T


def _averaging_matrix(old: int, new: int) -> np.ndarray:
    """(new, old) matrix of the fraction of each new pixel covered by each old one; rows sum to 1."""
    edges = np.arange(new + 1) * (old / new)
    covered = np.minimum(edges[1:, None], np.arange(1, old + 1)) - np.maximum(edges[:-1, None], np.arange(old))
    return np.maximum(covered, 0) * (new / old)


# Transforming a picture -----------------------------------------------------------------------------------------------


def moved(picture: np.ndarray, right: float = 0, down: float = 0, turn: float = 0, thicken: int = 0) -> np.ndarray:
    """A picture (H, W) shifted, rotated and with thicker strokes, as uint8.

    right, down: pixels. turn: degrees clockwise around the center. thicken: pixels; negative thins the strokes. Areas
    that enter the picture are paper (0).
    """
    changed = np.asarray(picture, dtype=np.float64)
    for _ in range(abs(thicken)):
        changed = _dilated(changed) if thicken > 0 else 255 - _dilated(255 - changed)
    height, width = changed.shape
    y, x = np.mgrid[:height, :width].astype(np.float64)
    y, x = y - down - (height - 1) / 2, x - right - (width - 1) / 2
    angle = np.deg2rad(turn)
    from_y = np.cos(angle) * y - np.sin(angle) * x + (height - 1) / 2
    from_x = np.sin(angle) * y + np.cos(angle) * x + (width - 1) / 2
    return np.clip(np.rint(_bilinear(changed, from_y, from_x)), 0, 255).astype(np.uint8)


def _dilated(picture: np.ndarray) -> np.ndarray:
    """Each pixel becomes the maximum of itself and its four neighbors."""
    padded = np.pad(picture, 1, mode="edge")
    neighbors = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    return np.maximum.reduce([picture, *neighbors])


def _bilinear(picture: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Bilinear interpolation at fractional positions; 0 outside."""
    padded = np.pad(picture, 1)
    height, width = picture.shape
    y, x = np.clip(y + 1, 0, height + 0.999), np.clip(x + 1, 0, width + 0.999)
    top, left = y.astype(int), x.astype(int)
    down, right = y - top, x - left
    upper = padded[top, left] * (1 - right) + padded[top, left + 1] * right
    lower = padded[top + 1, left] * (1 - right) + padded[top + 1, left + 1] * right
    return upper * (1 - down) + lower * down
