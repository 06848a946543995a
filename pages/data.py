"""Where examples come from: the well-known sets of pictures, your own table, your own pictures."""

from __future__ import annotations

import streamlit as st

from ui.data import own_pictures, own_sets, own_table
from ui.playground.messages import refusals
from ui.session import state

SECTIONS = {
    "Well-known sets": own_sets.well_known,
    "Your table": own_table.table,
    "Your pictures": own_pictures.pictures,
}

state.begin()

st.header("Data")
refusals()
st.markdown(
    "Train on real pictures, or on what you bring along. What you upload stays on this server, is used for nothing but "
    "your training, and is deleted when your session ends."
)
own_sets.uploads()
chosen = st.segmented_control(
    "Where the examples come from", list(SECTIONS), default=next(iter(SECTIONS)), required=True, key="data_section"
)
SECTIONS[chosen]()
