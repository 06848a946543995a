"""Charts that stand still, and charts that change without being mounted anew, which `st.plotly_chart` cannot."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from streamlit.components.v2 import component

from ui import state
from ui.components import FILES, VERSION
from ui.figures.theme import Theme

JS = f"""
export default async function ({{ parentElement, data, setTriggerValue }}) {{
  const {{ show }} = await import(new URL('live/{VERSION}/charts.js', document.baseURI).href);
  return show(parentElement.querySelector('.charts'), data, point => setTriggerValue('point', point));
}}
"""


def theme() -> Theme:
    return "dark" if st.context.theme.type == "dark" else "light"


def chart(figure: go.Figure, key: str, alt: str, **options: Any) -> Any:
    """A figure that stands still. alt: what it shows, for who cannot see it."""
    return st.plotly_chart(figure, key=key, theme=None, alt=alt, config={"displayModeBar": False}, **options)


def charts(
    key: str,
    figures: Mapping[str, go.Figure],
    *,
    steps: int = 0,
    on_click: Callable[[float, float], None] | None = None,
) -> None:
    """Figures side by side, each with a sentence (the mapping's keys) that says in words what it shows.

    steps: where the figures hold paths, how many steps these have; a player then lets them grow.
    on_click: called with the point of the figure that was clicked, where its layout's meta asks for that.
    """
    if not state.runs().live:
        for number, (alt, figure) in enumerate(figures.items()):
            chart(figure, f"{key}_{number}", alt)
        return
    listed = [{"alt": alt, "figure": json.loads(str(figure.to_json()))} for alt, figure in figures.items()]
    plotly = f"live/plotly-{version('plotly')}.min.js"
    data = {"plotly": plotly, "figures": json.dumps(listed), "steps": steps, "name": key}
    _component()(key=key, data=data, on_point_change=lambda: _clicked(key, on_click))


def _clicked(key: str, on_click: Callable[[float, float], None] | None) -> None:
    match st.session_state[key].get("point"):
        case {"x": int() | float() as x, "y": int() | float() as y} if on_click:
            on_click(float(x), float(y))


@lru_cache(maxsize=1)
def _component() -> Any:
    css = FILES["charts.css"].read_text(encoding="utf-8")
    return component("charts", html='<div class="charts"></div>', css=css, js=JS, isolate_styles=False)
