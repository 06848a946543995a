"""The menu of named starting points, and what to look at in the chosen one."""

from __future__ import annotations

import streamlit as st

from lab.experiment.presets import PRESETS
from ui.kit.widgets import labels, locked, shown
from ui.session import state

HELP = "Starting points that each show one thing. Restarts training, and a sentence says what to look at."


def menu() -> None:
    if shown("presets"):
        options = {"key": "presets", "on_click": _choose, "disabled": locked("presets"), "help": HELP}
        st.menu_button("Presets", list(PRESETS), format_func=labels(PRESETS), **options)


def _choose() -> None:
    name = st.session_state.presets
    state.load(PRESETS[name].experiment, name)


def lesson() -> None:
    """The sentence of the preset that was chosen or linked, as long as its data set is in use."""
    place = st.container(key="lesson")  # always there: an element that comes and goes would mount the live view again
    preset = PRESETS.get(state.preset())
    if preset and preset.experiment.dataset == state.experiment().dataset:
        place.markdown(f"**{preset.label}.** {preset.sentence}")
