"""The button that keeps the run of the Playground as it is now."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.session import state


def keep_button(label: str, **options: Any) -> None:
    """It says Kept after a press, until the run is another one.

    Disabled for a run that has not been trained: its link is all there is to keep.
    """
    is_new, notes = state.status()["status"] == "idle", state.notes()
    is_same = notes.get("kept") == state.moment()
    is_kept = notes.pop("just_kept", False) or is_same
    help = "Keeps this network with its settings, its curves and how to train it again: see the page Runs."
    if is_new:
        help = "It has not been trained yet."
    elif is_kept:
        label, help = "Kept", "It is on the page Runs."
    st.button(label, key="keep_run", on_click=_keep, disabled=is_new or is_same, help=help, **options)


def _keep() -> None:
    if state.keep():
        state.notes().update(just_kept=True, kept=state.moment())
