"""Options of the picture; they do not change the network."""

from __future__ import annotations

import streamlit as st

from ui.kit.widgets import of_view, shown
from ui.session import state


def view_controls() -> None:
    if state.experiment().source.plane and shown("show_test", "discretize"):
        with st.container(horizontal=True, gap="small"):
            help = "Also show the points that the network never trains on."
            st.checkbox("Test points", help=help, **of_view("show_test"))
            help = "Show only the predicted class, not how certain the network is."
            st.checkbox("Discretize", help=help, **of_view("discretize"))
