"""Styles of the whole page beyond the theme: the projector, embedded pages, and what a teacher has hidden."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.session import lockable_parts, state
from ui.streamlit_compat.dom import Mark, of_key

PROJECTOR_SCALE = 1.25
# Streamlit writes white on a primary button and on the values that are chosen in a box; the accent color of the dark
# theme is too light for that.
# Its own shade under the pointer is nearly black, as if the button were pressed.
BASE = f"""
{Mark.PRIMARY_BUTTON}:not(:disabled), {Mark.CHOSEN_VALUES} :not(input) {{ color: light-dark(#ffffff, #0b0e11); }}
{Mark.PRIMARY_BUTTON}:is(:hover, :active):not(:disabled) {{ background: light-dark(#0b5e57, #3cbcac); }}
"""
DATA = f"{of_key('board') * 3} > :has(> {of_key('beside')})"
NO_DATA = f"{DATA} {{ display: none; }}"
# Streamlit's own elements are sized in rem; the live view is sized in pixels and zoomed as a whole. Its charts keep
# their scale, because Plotly reads the pointer in screen pixels: their fonts and lines grow in the figure.
PROJECTOR = f"""
@media (min-width: 641px) {{
:root:root {{ font-size: {16 * PROJECTOR_SCALE}px !important; --page-top: 4rem; }}
.live {{ zoom: {PROJECTOR_SCALE}; --live-window: calc(100vh / {PROJECTOR_SCALE}); --live-above: 134px; }}
.live-plot {{ zoom: {1 / PROJECTOR_SCALE}; }}
.live-status .live-fact:nth-child(n) .live-value {{ font-size: 28px; line-height: 34px; }}
.live-readout:not(.live-bare) {{ min-width: 13.5rem; }}
.live-status .live-fact:nth-child(n + 5) {{ display: none; }}
.live-status .live-label {{ font-size: 15px; line-height: 18px; }}
.live-status .live-said {{ font-size: 17px; line-height: 22px; }}
}}
@media (max-width: 1100px) {{ {of_key("bar") * 2}, {of_key("transport") * 2} {{ gap: 0.5rem; }} }}
{of_key("top") * 3} {{ align-items: flex-start; }}
{NO_DATA}
"""
# The parts that fill the place beside the picture. Where a teacher has hidden all of them, an empty place is no hole;
# where one is shown, the place has its width before its controls are drawn.
DATA_PARTS = {"data", "seed", "view"}
NO_EMPTY_DATA = f"{DATA}:not(:has(button, input)) {{ display: none; }}"
ABOVE = {"simple": 118, "everything": 192}  # pixels above the picture, with title and navigation
HEADER = 56  # pixels, which an embedded page does not have
BANNER = 38  # pixels of what a lesson says at the top (ui/header/lesson.py), where it is one line
# Response curves are below their settings; in the rows above the picture they move nothing beside them.
RESPONSES = f"""
{Mark.SLIDER_ENDS} {{ display: none; }}
{of_key("above")} :has(> * > * > .response) {{ position: relative; }}
{of_key("above")} :has(> * > .response) {{ position: absolute; top: 100%; }}
{of_key("top") * 3}, {of_key("bar") * 3} {{ row-gap: 2.3rem; }}
{of_key("top") * 3} {{ padding-bottom: 1.9rem; }}
"""
ROW_OF_CURVES = 30  # pixels that it adds to each row above the picture
# embed=true removes menu and padding, but not the title and the navigation.
EMBEDDED = f"""
{Mark.APP_HEADER} {{ display: none; }}
:root:root {{ --page-top: 0.5rem; }}
@media (max-width: 640px) {{
  :root:root:has({of_key("transport")}) {{ --page-top: 8.4rem; }}
  {of_key("transport") * 3} {{ top: 0; }}
}}
"""


def inject_css() -> None:
    """Write one style element, before the page is drawn."""
    view, embedded = state.view(), bool(st.context.is_embedded)
    has_banner = any(view[name] for name in ("title", "task", "lock"))
    rows_of_curves = {"simple": 1, "everything": 2}[view["controls"]] * bool(view["responses"])
    above = ABOVE[view["controls"]] - HEADER * embedded + BANNER * has_banner + ROW_OF_CURVES * rows_of_curves
    parts = (
        BASE,
        EMBEDDED if embedded else "",
        PROJECTOR if view["projector"] else f".live {{ --live-above: {above}px; }}",
        RESPONSES if view["responses"] else "",
        NO_EMPTY_DATA if {*view["hide"]} >= DATA_PARTS else "",
        lockable_parts.hiding(view),
        lockable_parts.locking(view),
    )
    st.html(f"<style>{''.join(parts)}</style>")


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
