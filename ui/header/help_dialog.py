"""The help dialog: keyboard shortcuts, and the meaning of the colors."""

from __future__ import annotations

import streamlit as st

from ui.kit.shortcuts import KEYS, PLACES

COLORS = """
- **Orange**: negative, and the first class. **Blue**: positive, and the second class. **Pale**: near zero, or unsure.
- **A line** is a weight: the wider, the stronger. **The small square** at a neuron is its bias.
- **A filled mark** is a training point, **a small hollow mark** a test point, **a hollow mark with a dot** a validation
  point, **a thin ring** around it a wrong prediction.
- **A thin green curve** is for training points, **a thick violet curve** for test points, **a dashed gray curve** for
  validation points. **The ring on a curve** is its lowest loss.
- More classes have their own colors and shapes; the legend below the map names them.
"""


def button() -> None:
    if st.button("? Keys", key="keys", help="Keyboard shortcuts, and the meaning of the colors. Shortcut: ?"):
        _dialog()


@st.dialog("Keys and colors", width="medium")
def _dialog() -> None:
    rows = [("Page", key.shown, key.sentence) for key in KEYS] + list(PLACES)
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    st.markdown(f"| Where | Key | What it does |\n|---|---|---|\n{table}")
    st.markdown(COLORS)
    st.page_link("../pages/help.py", label="More on the help page")
