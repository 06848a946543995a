"""The help dialog: every key, and what the colours mean."""

from __future__ import annotations

import streamlit as st

from ui.kit.shortcuts import KEYS, PLACES

COLOURS = """
- **Orange**: negative, and the first class. **Blue**: positive, and the second class. **Pale**: near zero, or unsure.
- **A line** is a weight: the wider, the stronger. **The small square** at a neuron is its bias.
- **A filled mark** is a training point, **a hollow mark** a test point, **a cross** on it an error.
- **A thin curve** is about training points, **a thick curve** about test points.
- Further classes have a colour and a shape of their own; the legend under the map names them.
"""


def button() -> None:
    if st.button("? Keys", key="keys", help="Every key, and what the colours mean. The ? key opens it, too."):
        _dialog()


@st.dialog("Keys and colours", width="medium")
def _dialog() -> None:
    rows = [("Page", key.shown, key.sentence) for key in KEYS] + list(PLACES)
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    st.markdown(f"| Where | Key | What it does |\n|---|---|---|\n{table}")
    st.markdown(COLOURS)
    st.page_link("../pages/help.py", label="More on the help page")
