"""From a drawing to the picture a network was trained on, and small changes of pictures. Pure NumPy.

MNIST was made so: the ink is cropped, scaled into a box of 20 by 20 pixels with its proportions kept, and put into 28
by 28 so that its centre of mass is in the middle. The small digits were made so: the ink is scaled to the height of a
bitmap of 32 by 32, and what is black in every block of 4 by 4 is counted, 0 to 16. In that set no digit is wider than
six or seven blocks, and ink covers three tenths of every picture: wide drawings are narrowed, thin strokes thickened.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

FAINTEST = 0.02  # of the darkest ink: less counts as paper
BOX = 20 / 28  # share of a picture's side that the ink fills
BLOCK = 4  # pixels of the bitmap in a pixel of the small digits
SMALL, BITMAP = (8, 8), (32, 32)  # rows and columns of those, and of the bitmap
WIDEST = 26  # columns of the bitmap that ink may fill
FLATTEST = 2  # times as wide as that: more is not narrowed, it stays a dash
COVERED = 0.26  # share of the bitmap under ink, at least


class Prepared(NamedTuple):
    picture: np.ndarray  # (rows, columns) uint8: what the network sees
    box: tuple[int, int, int, int] | None  # rows and columns of the drawing that hold the ink: top, bottom, left, right

    @property
    def empty(self) -> bool:
        return self.box is None


def prepare(ink: np.ndarray, shape: tuple[int, int]) -> Prepared:
    """A drawing (H, W), 0 for paper and any other number up to 255 for ink, as a picture of `shape` (rows, columns).

    Empty where there is no ink: then the picture is all 0.
    """
    ink = np.asarray(ink, dtype=np.float64)
    box = _box(ink)
    if box is None:
        return Prepared(np.zeros(shape, np.uint8), None)
    top, bottom, left, right = box
    cropped = ink[top:bottom, left:right]
    grey = _counted(cropped) if shape == SMALL else _centred(cropped, shape)
    return Prepared(np.clip(np.rint(grey), 0, 255).astype(np.uint8), box)


def _box(ink: np.ndarray) -> tuple[int, int, int, int] | None:
    inked = ink > FAINTEST * max(ink.max(initial=0), 1)
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    if not len(rows):
        return None
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _centred(ink: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """As MNIST was made: in a box of 20/28 of the sides, its centre of mass in the middle."""
    scale = min(side * BOX / length for side, length in zip(shape, ink.shape, strict=True))
    small = _darkest(resized(ink, *(max(1, round(length * scale)) for length in ink.shape)))
    return _placed(small, shape, 0.5)  # the middle that MNIST has is that of the pixel right below the centre


def _counted(ink: np.ndarray) -> np.ndarray:
    """As the small digits were made: ink as high as a bitmap, the share of black in each block in sixteenths."""
    scale = min(BITMAP[0] / ink.shape[0], FLATTEST * WIDEST / ink.shape[1])
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    bitmap = _placed(_darkest(resized(ink, height, min(width, WIDEST))), BITMAP, 0)
    while bitmap.mean() < COVERED * 255:
        bitmap = _spread(bitmap)
    counts = bitmap.reshape(SMALL[0], BLOCK, SMALL[1], BLOCK).sum(axis=(1, 3)) / 255
    return np.rint(counts) * (255 / BLOCK**2)


def _darkest(ink: np.ndarray) -> np.ndarray:
    """As dark as ink can be: thin strokes lose theirs to the paper around them when they are made smaller."""
    return ink * (255 / ink.max())


def _placed(small: np.ndarray, shape: tuple[int, int], beyond: float) -> np.ndarray:
    """A picture of `shape` that holds a smaller one whole, its centre of mass in the middle and `beyond` pixels on."""
    start = []
    for axis, (whole, side) in enumerate(zip(shape, small.shape, strict=True)):
        at = (np.arange(side) + 0.5) @ small.sum(axis=1 - axis) / small.sum()
        start.append(int(np.clip(round(whole / 2 + beyond - at), 0, whole - side)))
    picture = np.zeros(shape)
    picture[start[0] : start[0] + small.shape[0], start[1] : start[1] + small.shape[1]] = small
    return picture


def resized(picture: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """A picture (H, W) in another size, every new pixel being the mean of what it covers (anti-aliased)."""
    return _means(picture.shape[0], rows) @ picture @ _means(picture.shape[1], columns).T


def _means(old: int, new: int) -> np.ndarray:
    """(new, old): the share that each old pixel has in each new one; rows add up to 1."""
    edges = np.arange(new + 1) * (old / new)
    covered = np.minimum(edges[1:, None], np.arange(1, old + 1)) - np.maximum(edges[:-1, None], np.arange(old))
    return np.maximum(covered, 0) * (new / old)


# Changing a picture ---------------------------------------------------------------------------------------------------


def moved(picture: np.ndarray, right: float = 0, down: float = 0, turn: float = 0, thicken: int = 0) -> np.ndarray:
    """A picture (H, W) shifted by pixels, turned clockwise by degrees around its middle, and its strokes thickened
    (or thinned, below 0) by so many pixels. What leaves the picture is lost; what enters it is paper. uint8
    """
    changed = np.asarray(picture, dtype=np.float64)
    for _ in range(abs(thicken)):
        changed = _spread(changed) if thicken > 0 else 255 - _spread(255 - changed)
    height, width = changed.shape
    y, x = np.mgrid[:height, :width].astype(np.float64)
    y, x = y - down - (height - 1) / 2, x - right - (width - 1) / 2
    angle = np.deg2rad(turn)
    from_y = np.cos(angle) * y - np.sin(angle) * x + (height - 1) / 2
    from_x = np.sin(angle) * y + np.cos(angle) * x + (width - 1) / 2
    return np.clip(np.rint(_between(changed, from_y, from_x)), 0, 255).astype(np.uint8)


def _spread(picture: np.ndarray) -> np.ndarray:
    """Every pixel becomes the largest of itself and its four neighbours."""
    padded = np.pad(picture, 1, mode="edge")
    around = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    return np.maximum.reduce([picture, *around])


def _between(picture: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Values at places between the pixels, bilinear; 0 outside."""
    padded = np.pad(picture, 1)
    height, width = picture.shape
    y, x = np.clip(y + 1, 0, height + 0.999), np.clip(x + 1, 0, width + 0.999)
    top, left = y.astype(int), x.astype(int)
    down, right = y - top, x - left
    upper = padded[top, left] * (1 - right) + padded[top, left + 1] * right
    lower = padded[top + 1, left] * (1 - right) + padded[top + 1, left + 1] * right
    return upper * (1 - down) + lower * down
