"""The maps of many runs as small pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import streamlit as st
from streamlit.components.v2 import component

from ui.components import script, styles
from ui.server.pictures import ADDRESS, RUN_HEADER
from ui.session import state


class Tile(NamedTuple):
    """label: for the pointer and screen readers; text: a number; strength: of its color, 0 to 1; picture: a URL."""

    label: str
    text: str
    strength: float
    picture: str


def choose_map(pictures: Mapping[str, tuple[str, str]], chosen: str, choose: Callable[[str], None]) -> None:
    """Pictures of which one is chosen: name -> (label, URL). Without a socket there are no pictures."""
    listed = {name: {"label": label, "picture": url} for name, (label, url) in pictures.items()}
    _pictures("maps", {"name": "Runs", "pictures": listed, "chosen": chosen}, choose)


def choose_tile(tiles: Sequence[Tile], chosen: int | None, titles: tuple[str, str], columns: Sequence[str],
                rows: Sequence[str], marked: str | None, choose: Callable[[str], None],
                compare: Callable[[list[str]], None], offered: str) -> None:  # fmt: skip
    """Tiles row by row, of which one is chosen: its place is its name. titles: what columns and rows are.

    marked: the name of one with a mark. compare: called with two names when one is dragged onto the other.
    offered: the name of what the browser fetches to show it instead, while it changes (ui/server/pictures.py).
    """
    grid = {"titles": titles, "columns": columns, "rows": rows}
    fetched = {"name": offered, "address": ADDRESS, "headers": {RUN_HEADER: state.token()}} if offered else None
    data = {"name": "Pairs of values", "pictures": listed(tiles), "chosen": str(chosen), "grid": grid,
            "marked": marked, "fetched": fetched}  # fmt: skip
    _pictures("tiles", data, choose, compare)


def listed(tiles: Sequence[Tile]) -> dict[str, dict[str, Any]]:
    """Tiles by their names, as the component takes them."""
    return {str(place): tile._asdict() for place, tile in enumerate(tiles)}


def _pictures(
    key: str, data: dict[str, Any], choose: Callable[[str], None], compare: Callable[[Any], None] | None = None
) -> None:
    """Values come from a browser and must be checked."""
    if state.runs().live:
        act = lambda: choose(st.session_state[key]["chosen"])  # noqa: E731
        both = lambda: compare and compare(st.session_state[key]["pair"])  # noqa: E731
        ended = lambda: None  # noqa: E731  the script run that it causes looks by itself
        _component()(key=key, data={**data, "disabled": False}, on_chosen_change=act, on_pair_change=both,
                     on_ended_change=ended)  # fmt: skip


@lru_cache
def _component() -> Any:
    html = '<div class="thumbnails thumbnails-maps" role="radiogroup"></div>'
    css, js = styles("page/thumbnails.css"), script("page/thumbnails.js", served=True)
    return component("maps", html=html, css=css, js=js, isolate_styles=False)
