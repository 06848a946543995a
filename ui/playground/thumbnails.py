"""Small pictures of the toy data sets, drawn from a few of their points without noise."""

from __future__ import annotations

import base64
from functools import lru_cache

import numpy as np

from data import DATASETS
from data.plane import EXTENT
from data.sources.toy import TOYS
from ui.figures.theme import BLUE, ORANGE, class_style

NAMES = tuple(source.name for source in TOYS)
SIDE, POINTS, RADIUS = 40, 120, 1.4  # pixels, number, pixels


@lru_cache
def thumbnail(name: str) -> str:
    """Markdown of the picture of a data set; its label is the alternative text."""
    data = base64.b64encode(_svg(name).encode()).decode()
    return f"![{DATASETS[name].label}](data:image/svg+xml;base64,{data})"


def _svg(name: str) -> str:
    source = DATASETS[name]
    raw = source.make(POINTS, 0.0, *np.random.default_rng(1).spawn(2))
    low, high = EXTENT
    scale = SIDE / (high - low)
    marks = (
        _mark(scale * (x1 - low), scale * (high - x2), float(y), source.classes)
        for (x1, x2), y in zip(raw.x, raw.y, strict=True)
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{SIDE}" height="{SIDE}">{"".join(marks)}</svg>'


def _mark(x: float, y: float, value: float, classes: int) -> str:
    """A point: of a class as its shape, of a number as a disk that is the fainter the closer it is to zero."""
    style = class_style(int(value)) if classes else {"color": BLUE if value > 0 else ORANGE, "symbol": "circle"}
    paint = f'fill="{style["color"]}"' + ("" if classes else f' opacity="{min(1.0, abs(value)):.2f}"')
    if style["symbol"] == "square":
        return f'<rect x="{x - RADIUS:.1f}" y="{y - RADIUS:.1f}" width="{2 * RADIUS}" height="{2 * RADIUS}" {paint}/>'
    if style["symbol"] == "triangle-up":
        return f'<path d="M{x - RADIUS:.1f} {y + RADIUS:.1f}h{2 * RADIUS}l{-RADIUS} {-2 * RADIUS}z" {paint}/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS}" {paint}/>'
