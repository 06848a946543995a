"""The bar above the picture: buttons that train the network, what it has reached, and settings that change it live."""

from __future__ import annotations

import streamlit as st

from lab.experiment.fields import STOP_RULES, TRAINING
from ui.kit.keep_button import keep_button
from ui.kit.validation_proposal import propose_validation
from ui.kit.widgets import command, folded, group, is_in_view, is_simple, minor_help, shown
from ui.playground.response_curves import control
from ui.playground.transport import buttons, speed
from ui.session import state

READOUT = '<div class="live-readout {}"></div>'  # where the live view puts its numbers: see view.js
WIDTHS = {"batch_size": 100, "l1": 88, "l2": 88}  # of the sliders


@st.fragment
def training_bar() -> None:
    """A fragment: a change here redraws this bar alone, so the picture does not wait for the rest of the page."""
    state.look_again()
    view = state.view()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="bar"):
        with st.container(horizontal=True, width="content", gap="small", key="transport"):
            _buttons()
            st.html(READOUT.format("live-bare" if "readouts" in view["hide"] else ""), width="content")
        if not view["projector"]:
            pace()
        with st.container(width=140 if view["projector"] else 160):
            control("learning_rate")
    state.write_link()


def pace() -> None:
    """The speed: in the bar, or in the drawer of a projector."""
    finishes = "Instant: Play and every change show the run after that many epochs, or as many as a stop rule says."
    speed(minor_help(f"How much training happens between two frames. {finishes}"), width=150)


def _buttons() -> None:
    buttons(
        reset="Restart from the same initial weights. Shortcut: R",
        play="Shortcut: Space",
        pause="Shortcut: Space",
        step="Train for one epoch. Shortcut: right arrow",
    )
    if not is_simple():
        command("Batch", "step_batch", help="Train on one batch (one optimizer step). Shortcut: B")
        if not state.view()["projector"]:
            keep_button("Keep")


def proposal() -> None:
    """A validation part, where stop rules look at the training part."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="proposal"):
        if state.experiment().selects:
            propose_validation("Stop rules look at the training part now.")


@st.fragment
def training_settings(selects: bool) -> None:
    """The settings of training beyond the learning rate: a fragment, like the bar.

    selects: whether a stop rule chose weights when the page was drawn; if that changes, all of it is drawn again.
    """
    state.look_again()
    if state.experiment().selects != selects:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", width="content", key="training"):
        for field in group(TRAINING, advanced=False):
            if field != "learning_rate" and is_in_view(field):
                with st.container(width=WIDTHS.get(field, 100)):
                    control(field)
        _stop_rules()
    state.write_link()


def _stop_rules() -> None:
    fields = group(STOP_RULES, advanced=False)
    if any(map(is_in_view, fields)) and shown("stop_rules"):
        with folded("Stop rules", fields, "stop_rules", help="When training ends by itself."):
            for field in fields:
                control(field)
            part = state.experiment().selecting_part
            look = f"Early stopping and a wanted accuracy or R² look at the {part} part, never at the test part."
            st.caption(look, width=340)
