"""Data: train on a well-known data set, on a table, or on images of your own."""

from __future__ import annotations

import streamlit as st

from ui.data.picture_archive import picture_archive
from ui.data.table_file import table_file
from ui.data.uploaded_sets import uploads
from ui.data.well_known_sets import well_known
from ui.playground.messages import refusals
from ui.session import state

SECTIONS = {"Well-known sets": well_known, "Your table": table_file, "Your images": picture_archive}

state.begin()

st.header("Data")
refusals()
st.markdown(
    "Train on real images, or on your own data. Your uploads stay on this server, are used only for your training, and "
    "are deleted when your session ends."
)
uploads()
section = st.segmented_control(
    "Source of the examples", list(SECTIONS), default=next(iter(SECTIONS)), required=True, key="data_section"
)
SECTIONS[section]()
