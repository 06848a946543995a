"""Data: train on a well-known data set, on a table, or on images of your own."""

from __future__ import annotations

import streamlit as st

from lab.experiment.own_data import KEPT_HOURS
from ui.data.sections import sections
from ui.data.uploaded_sets import uploads
from ui.playground.messages import refusals
from ui.session import state

state.begin(can_lack_data=True)

st.header("Data")
refusals()
st.markdown(
    "Train on real images, or on your own data. Your uploads stay on this server and are used only for training by you "
    f"and by those who have your link. They are deleted {KEPT_HOURS} hours after your last visit if nobody trains on "
    "them, when the server restarts, and when you remove them."
)
uploads()
sections()
state.write_link()
