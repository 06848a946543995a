"""Keep a trained network, train it on later, and take it away: files, tables, code, predictions."""

from __future__ import annotations

import streamlit as st

from ui.playground.messages import refusals
from ui.save import save
from ui.session import state

state.begin()

st.header("Keep")
st.markdown(
    "Everything on this page is about the network on the Playground, as it is at the moment you press a button."
)
refusals()

left, right = st.columns(2, gap="large")
with left:
    st.subheader("Save a model")
    save.save_model()
with right:
    st.subheader("Load a model")
    save.load_model()

st.subheader("Curves and tables")
save.tables()

st.subheader("Code and models for elsewhere")
save.code()

st.subheader("Predict a file")
save.predictions()

state.write_link()
