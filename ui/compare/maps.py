"""The maps of many runs as small pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

from lab.protocol.messages import BYTE_SCALE, CLASS_SHIFT, ZERO_BYTE
from ui.components import script, styles
from ui.figures.theme import BLUE, CLASS_COLORS, ORANGE, ZERO, Theme
from ui.kit.inline_picture import as_data_url
from ui.session import state

LEVELS = (1 << CLASS_SHIFT) - 1  # of confidence


def colored(map: np.ndarray, encoding: str, theme: Theme) -> np.ndarray:
    """Bytes (H, W) as in a frame -> colors (H, W, 3), uint8."""
    pale = _rgb(ZERO[theme])
    if encoding == "class":
        of_class = np.array([_rgb(color) for color in CLASS_COLORS])[(map >> CLASS_SHIFT) % len(CLASS_COLORS)]
        share = (0.25 + 0.75 * (map & LEVELS) / LEVELS)[..., None]
        return np.rint(pale + share * (of_class - pale)).astype(np.uint8)
    return signed((map.astype(np.float64) - ZERO_BYTE) / BYTE_SCALE, theme)


def signed(values: np.ndarray, theme: Theme) -> np.ndarray:
    """Values (H, W) from -1 to 1 -> colors: orange is negative, blue is positive."""
    pale, share = _rgb(ZERO[theme]), np.clip(np.abs(values), 0, 1)[..., None]
    end = np.where(values[..., None] < 0, _rgb(ORANGE), _rgb(BLUE))
    return np.rint(pale + share * (end - pale)).astype(np.uint8)


def _rgb(color: str) -> np.ndarray:
    return np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)], np.float64)


class Tile(NamedTuple):
    """label: for the pointer and screen readers; text: a number; strength: of its color, 0 to 1; colors (H, W, 3)."""

    label: str
    text: str
    strength: float
    colors: np.ndarray | None


def choose_map(pictures: Mapping[str, tuple[str, np.ndarray]], chosen: str, choose: Callable[[str], None]) -> None:
    """Pictures of which one is chosen: name -> (label, colors). Without a socket there are no pictures."""
    listed = {name: {"label": label, "picture": as_data_url(colors)} for name, (label, colors) in pictures.items()}
    _pictures("maps", {"name": "Runs", "pictures": listed, "chosen": chosen}, choose)


def choose_tile(tiles: Sequence[Tile], chosen: int | None, titles: tuple[str, str], columns: Sequence[str],
                rows: Sequence[str], choose: Callable[[str], None]) -> None:  # fmt: skip
    """Tiles row by row, of which one is chosen: its place is its name. titles: what columns and rows are."""
    listed = {
        str(place): {"label": tile.label, "text": tile.text, "strength": tile.strength,
                     "picture": as_data_url(tile.colors) if tile.colors is not None else ""}
        for place, tile in enumerate(tiles)
    }  # fmt: skip
    grid = {"titles": titles, "columns": columns, "rows": rows}
    data = {"name": "Pairs of values", "pictures": listed, "chosen": str(chosen), "grid": grid}
    _pictures("tiles", data, choose)


def _pictures(key: str, data: dict[str, Any], choose: Callable[[str], None]) -> None:
    if state.runs().live:
        act = lambda: choose(st.session_state[key]["chosen"])  # noqa: E731
        _component()(key=key, data={**data, "disabled": False}, on_chosen_change=act)


@lru_cache
def _component() -> Any:
    html = '<div class="thumbnails thumbnails-maps" role="radiogroup"></div>'
    css, js = styles("page/thumbnails.css"), script("page/thumbnails.js", served=True)
    return component("maps", html=html, css=css, js=js, isolate_styles=False)
