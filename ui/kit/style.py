"""Styles of the whole page beyond the theme: the projector, embedded pages, and what a teacher has hidden."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.session import lockable_parts, state
from ui.streamlit_compat.dom import Mark, of_key

PROJECTOR_SCALE = 1.4
# Streamlit writes white on a primary button; the accent color of the dark theme is too light for that.
# The help of a menu button would cover the menu that it opens.
BASE = f"""
{Mark.PRIMARY_BUTTON}:not(:disabled) {{ color: light-dark(#ffffff, #0b0e11); }}
body:has({Mark.MENU}) {Mark.TOOLTIP} {{ display: none; }}
"""
BOARD = f"{Mark.MAIN_BLOCK} {of_key('board')} {Mark.HORIZONTAL_BLOCK}:has(> {Mark.COLUMN} .live) > {Mark.COLUMN}"
# Streamlit's own elements are sized in rem; the live view is sized in pixels and zoomed as a whole. Its charts keep
# their scale, because Plotly reads the pointer in screen pixels: their fonts and lines grow in the figure.
PROJECTOR = f"""
@media (min-width: 641px) {{
:root:root {{ font-size: {16 * PROJECTOR_SCALE}px !important; }}
.live {{ zoom: {PROJECTOR_SCALE}; }}
.live-plot {{ zoom: {1 / PROJECTOR_SCALE}; }}
{Mark.LAYOUT_WRAPPER}:has(> {Mark.VERTICAL_BLOCK} > {of_key("view_speed")}) {{ min-width: {160 * PROJECTOR_SCALE}px; }}
{BOARD} {{ min-width: 100%; }}
{BOARD}:last-child {{ order: -1; }}
}}
"""
# On a large screen the picture grows into the space that would be empty below it.
LARGE_SCREEN = """
@media (min-width: 1600px) and (min-height: 1000px) {
  .live { --live-square: 404px; --live-stage: 474px; --live-panel: 244px; }
}
"""
# embed=true removes menu and padding, but not the title and the navigation.
EMBEDDED = f"""
{Mark.APP_HEADER} {{ display: none; }}
{Mark.MAIN_BLOCK}{Mark.MAIN_BLOCK} {{ padding-top: 0.5rem; }}
@media (max-width: 640px) {{
  {Mark.MAIN_BLOCK}{Mark.MAIN_BLOCK} {{ padding-top: 4rem; }}
  {Mark.MAIN_BLOCK} {of_key("transport") * 2} {{ top: 0; }}
}}
"""


def inject_css() -> None:
    """Write one style element, before the page is drawn."""
    view = state.view()
    size, embedded = PROJECTOR if view["projector"] else LARGE_SCREEN, EMBEDDED if st.context.is_embedded else ""
    st.html(f"<style>{BASE}{size}{embedded}{lockable_parts.hiding(view)}{lockable_parts.locking(view)}</style>")


def enlarged(figure: dict[str, Any]) -> dict[str, Any]:
    """A figure as JSON, its fonts and lines enlarged in place for the projector."""
    layout = figure["layout"]
    fonts = [layout["font"]]
    for axis in (layout["xaxis"], layout["yaxis"]):
        fonts += [axis["tickfont"], axis["title"]["font"]]
    lines = [trace["line"] for trace in figure["data"]]
    for sizes, name in ((fonts, "size"), (lines, "width")):
        for size in sizes:
            size[name] *= PROJECTOR_SCALE
    layout["margin"] = {side: PROJECTOR_SCALE * width for side, width in layout["margin"].items()}
    return figure
