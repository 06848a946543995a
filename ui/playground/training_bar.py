"""The bar above the picture: buttons that train the network, and settings that change it during training."""

from __future__ import annotations

import streamlit as st

from lab.experiment.fields import STOP_RULES
from ui.kit.validation_proposal import propose_validation
from ui.kit.widgets import button, command, control, folded, group, shown
from ui.playground.transport import buttons, speed
from ui.session import state

WIDTHS = {"learning_rate": 170, "batch_size": 120, "l1": 105, "l2": 105}  # of the sliders


@st.fragment
def training_bar() -> None:
    """A fragment: a change here redraws this bar alone, so the picture does not wait for the rest of the page."""
    state.look_again()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="bar"):
        with st.container(horizontal=True, width="content", gap="small", key="transport"):
            _buttons()
        help = "New random initial weights for the same network and data; Reset then returns to them. Shortcut: N"
        button("New weights", "new_weights", _new_weights, help, changes="weight_seed")
        with st.container(width=150):
            control("weight_seed")
        speed("How much training happens between two frames.", width=160)
        for field, width in WIDTHS.items():
            with st.container(width=width):
                control(field)
        _stop_rules()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="proposal"):
        if state.experiment().selects:
            propose_validation("Stop rules look at the training part now.")
    state.write_link()


def _buttons() -> None:
    buttons(
        reset="Restart from the same initial weights. Shortcut: R",
        play="Shortcut: Space",
        pause="Shortcut: Space",
        step="Train for one epoch. Shortcut: right arrow",
    )
    command("Batch", "step_batch", help="Train on one batch (one optimizer step). Shortcut: B")


def _new_weights() -> None:
    e = state.experiment()
    state.change(weight_seed=(e.weight_seed or e.seed) % 999_999 + 1)


def _stop_rules() -> None:
    fields = group(STOP_RULES, advanced=False)
    if shown(*fields):
        with folded("Stop rules", fields, "stop_rules", help="When training ends by itself."):
            for field in fields:
                control(field)
            part = state.experiment().selecting_part
            look = f"Early stopping and a wanted accuracy or R² look at the {part} part, never at the test part."
            st.caption(look, width=340)
