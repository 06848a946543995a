"""Options of the picture; they do not change the network."""

from __future__ import annotations

import streamlit as st

from ui.kit.widgets import is_simple, minor_help, of_view, shown
from ui.session import state
from ui.session.view import MARK_ERRORS, VIEW


def view_controls() -> None:
    if state.experiment().source.plane and shown("show_test", "discretize", "mark_errors"):
        with st.container(horizontal=True, gap="small"):
            help = minor_help("Also show the points that the network never trains on.")
            st.checkbox("Test points", help=help, **of_view("show_test"))
            help = "Show only the predicted class, not how certain the network is."
            st.checkbox("Discretize", help=help, **of_view("discretize"))
            if state.experiment().source.kind == "classification" and _offers_marks():
                help = "Ring the wrong predictions. Auto: while training is paused and there are fewer than 40."
                st.selectbox(
                    "Mark errors",
                    list(MARK_ERRORS),
                    format_func=MARK_ERRORS.__getitem__,
                    help=help,
                    **of_view("mark_errors"),
                )


def _offers_marks() -> bool:
    return not is_simple() or state.view()["mark_errors"] != VIEW["mark_errors"]
