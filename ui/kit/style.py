"""The style of the whole page beyond the theme: the projector, and what a teacher has hidden."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.session import lockable_parts, state

LARGER = 1.4
# Streamlit writes white on a primary button; the accent of the dark theme is too light for that.
# The help of a menu's button would lie on the menu that it opens.
BASE = """
[data-testid="stBaseButton-primary"]:not(:disabled) { color: light-dark(#ffffff, #0b0e11); }
body:has([role="menu"]) [data-testid="stTooltipContent"] { display: none; }
"""
# Streamlit's own parts count in rem; the live view counts in pixels and is enlarged with its lines. Its charts keep
# their scale, since Plotly reads the pointer in pixels of the screen: their type and lines grow in the figure.
PROJECTOR = f"""
@media (min-width: 641px) {{
:root:root {{ font-size: {16 * LARGER}px !important; }}
.live {{ zoom: {LARGER}; }}
.live-plot {{ zoom: {1 / LARGER}; }}
[data-testid="stLayoutWrapper"]:has(> .stVerticalBlock > .st-key-view_speed) {{ min-width: {160 * LARGER}px; }}
.stMainBlockContainer .st-key-board .stHorizontalBlock:has(> .stColumn .live) > .stColumn {{ min-width: 100%; }}
.stMainBlockContainer .st-key-board .stHorizontalBlock:has(> .stColumn .live) > .stColumn:last-child {{ order: -1; }}
}}
"""
# A large screen: the picture takes the room that would be left below it.
TALL = """
@media (min-width: 1600px) and (min-height: 1000px) {
  .live { --live-square: 404px; --live-stage: 474px; --live-panel: 244px; }
}
"""
# embed=true takes menu and padding away, but leaves title and navigation.
EMBEDDED = """
.stAppHeader { display: none; }
.stMainBlockContainer.stMainBlockContainer { padding-top: 0.5rem; }
@media (max-width: 640px) {
  .stMainBlockContainer.stMainBlockContainer { padding-top: 4rem; }
  .stMainBlockContainer .st-key-transport.st-key-transport { top: 0; }
}
"""


def inject_css() -> None:
    """One style element, drawn before the page."""
    view = state.view()
    size, embedded = PROJECTOR if view["projector"] else TALL, EMBEDDED if st.context.is_embedded else ""
    st.html(f"<style>{BASE}{size}{embedded}{lockable_parts.hiding(view)}</style>")


def enlarged(figure: dict[str, Any]) -> dict[str, Any]:
    """A figure as JSON with type and lines as large as the projector needs them."""
    layout = figure["layout"]
    fonts = [layout["font"]]
    for axis in (layout["xaxis"], layout["yaxis"]):
        fonts += [axis["tickfont"], axis["title"]["font"]]
    lines = [trace["line"] for trace in figure["data"]]
    for sizes, name in ((fonts, "size"), (lines, "width")):
        for size in sizes:
            size[name] *= LARGER
    layout["margin"] = {side: LARGER * width for side, width in layout["margin"].items()}
    return figure
