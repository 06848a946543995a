"""Keep a trained network, train it on later, and take it away: files, tables, code, predictions."""

from __future__ import annotations

import streamlit as st

from ui import controls, keep, state

state.begin()

st.header("Keep")
st.markdown(
    "Everything on this page is about the network on the Playground, as it is at the moment you press a button."
)
controls.refusals()

left, right = st.columns(2, gap="large")
with left:
    st.subheader("Save a model")
    keep.save_model()
with right:
    st.subheader("Load a model")
    keep.load_model()

st.subheader("Curves and tables")
keep.tables()

st.subheader("Code and models for elsewhere")
keep.code()

st.subheader("Predict a file")
keep.predictions()

state.write_link()
