"""The menu of named starting points, and the sentence on what to look at in the one that was chosen."""

from __future__ import annotations

import streamlit as st

from lab.experiment.presets import PRESETS
from ui.kit.widgets import labels, locked, shown
from ui.session import state

HELP = "Starting points that each show one thing. The network starts anew, and a sentence says what to look at."


def menu() -> None:
    if shown("presets"):
        options = {"key": "presets", "on_click": _choose, "disabled": locked("presets"), "help": HELP}
        st.menu_button("Presets", list(PRESETS), format_func=labels(PRESETS), **options)


def _choose() -> None:
    name = st.session_state.presets
    state.load(PRESETS[name].experiment, name)


def lesson() -> None:
    """What the preset, or the link that holds one, wants to show; as long as its data is on the screen."""
    place = st.container(key="lesson")  # always there: what comes and goes above the live view would mount that anew
    preset = PRESETS.get(state.preset())
    if preset and preset.experiment.dataset == state.experiment().dataset:
        place.markdown(f"**{preset.label}.** {preset.sentence}")
