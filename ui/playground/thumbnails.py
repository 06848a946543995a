"""Small pictures of the toy data sets, drawn from a few of their points without noise, from which one is chosen."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

from data import DATASETS
from data.plane import EXTENT
from data.sources.toy import TOYS
from ui.components import script, styles
from ui.figures.theme import BLUE, ORANGE, class_style
from ui.kit.widgets import locked
from ui.session import state

KEY = "thumbnails"
NAMES = tuple(source.name for source in TOYS)
SIDE, POINTS, RADIUS = 40, 120, 1.4  # pixels, number, pixels


def thumbnails(choose: Callable[[str], None]) -> None:
    """The pictures, that of the current data set marked. Without a socket, the select box alone chooses."""
    if not state.runs().live:
        return
    name = state.experiment().dataset
    data = {"pictures": _pictures(), "chosen": name if name in NAMES else None, "disabled": locked("dataset")}
    act = lambda: choose(st.session_state[KEY]["chosen"])  # noqa: E731
    _component()(key=KEY, data=data, on_chosen_change=act)


@lru_cache
def _component() -> Any:
    html = '<div class="thumbnails" role="radiogroup" aria-label="Data sets in the plane"></div>'
    css, js = styles("page/thumbnails.css"), script("page/thumbnails.js", served=True)
    return component(KEY, html=html, css=css, js=js, isolate_styles=False)


@lru_cache
def _pictures() -> dict[str, dict[str, str]]:
    """For each data set its label and its picture, as an address that holds it."""
    return {
        name: {
            "label": DATASETS[name].label,
            "picture": f"data:image/svg+xml;base64,{base64.b64encode(_svg(name).encode()).decode()}",
        }
        for name in NAMES
    }


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
