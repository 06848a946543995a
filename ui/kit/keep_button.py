"""The button that keeps the run of the Playground as it is now."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.session import state


def keep_button(label: str, **options: Any) -> None:
    """Disabled for a run that has not been trained: its link is all there is to keep."""
    is_new = state.status()["status"] == "idle"
    help = "Keeps this network with its settings, its curves and how to train it again: see the page Runs."
    help = "It has not been trained yet." if is_new else help
    if st.button(label, key="keep_run", disabled=is_new, help=help, **options):
        if not state.keep():
            st.rerun()  # the sentence is in another part of the page
        st.toast("Kept. It is on the page Runs.", icon=":material/check:")
