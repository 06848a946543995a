"""Plotly charts that change in place. `st.plotly_chart`, the fallback without a server, mounts them again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from streamlit.components.v2 import component

from ui.components import PLOTLY, script, styles
from ui.figures.theme import Theme
from ui.session import state

FALLBACK_CONFIG = {"modeBarButtons": [["toImage"]], "displaylogo": False, "toImageButtonOptions": {"format": "svg"}}


def theme() -> Theme:
    return "dark" if st.context.theme.type == "dark" else "light"


def chart(figure: go.Figure, key: str, alt: str, **options: Any) -> None:
    """One figure. alt: its description, which begins with its title; options: see `charts`."""
    charts(key, {alt: figure}, **options)


def charts(
    key: str,
    figures: Mapping[str, go.Figure],
    *,
    steps: int = 0,
    on_click: Callable[[float, float], None] | None = None,
    on_pick: Callable[[Any], None] | None = None,
) -> None:
    """Figures side by side. The keys of the mapping describe them for screen readers; up to the first comma, semicolon
    or colon they are the titles, also of saved files.

    steps: number of steps of the paths in the figures; a player can then grow them.
    on_click: called with the clicked point, if the meta of the layout asks for clicks. on_pick: called with the
    customdata of the clicked mark. Both values come from a browser and must be checked.
    """
    if not state.runs().live:
        for number, (alt, figure) in enumerate(figures.items()):
            _fallback(f"{key}_{number}", alt, figure, on_pick)
        return
    listed = ",".join(f'{{"alt":{json.dumps(alt)},"figure":{figure.to_json()}}}' for alt, figure in figures.items())
    data = {"plotly": PLOTLY, "figures": f"[{listed}]", "steps": steps, "name": key}
    _component()(key=key, data=data, on_point_change=lambda: _clicked(key, on_click, on_pick))


def _clicked(key: str, on_click: Callable[[float, float], None] | None, on_pick: Callable[[Any], None] | None) -> None:
    match st.session_state[key].get("point"):
        case {"picked": picked} if on_pick:
            on_pick(picked)
        case {"x": int() | float() as x, "y": int() | float() as y} if on_click:
            on_click(float(x), float(y))


def _fallback(key: str, alt: str, figure: go.Figure, on_pick: Callable[[Any], None] | None) -> None:
    """A chart without the server's routes; its only button saves it as SVG."""
    options: dict[str, Any] = {}
    if on_pick:
        options = {"on_select": lambda: _selected(key, on_pick), "selection_mode": "points"}
    st.caption(f"**{re.split('[,;:]', alt)[0]}**")
    st.plotly_chart(figure, key=key, theme=None, alt=alt, config=FALLBACK_CONFIG, **options)


def _selected(key: str, on_pick: Callable[[Any], None]) -> None:
    for point in st.session_state[key]["selection"]["points"][:1]:
        on_pick(point.get("customdata"))


@lru_cache(maxsize=1)
def _component() -> Any:
    css, js = styles("charts/charts.css", "shared/save.css"), script("charts/charts.js", served=True)
    return component("charts", html='<div class="charts"></div>', css=css, js=js, isolate_styles=False)
