"""Save: model files, tables, code in other libraries, and predictions for a file of examples."""

from __future__ import annotations

import streamlit as st

from ui.playground.messages import refusals
from ui.save.code_export import code_export
from ui.save.curve_files import curves_and_tables
from ui.save.model_files import load_model, save_model
from ui.save.predictions import predictions
from ui.session import state

state.begin()

st.header("Save")
st.markdown("This page saves the current state of the network on the Playground, and loads saved models into it.")
refusals()

left, right = st.columns(2, gap="large")
with left:
    st.subheader("Save a model")
    save_model()
with right:
    st.subheader("Load a model")
    load_model()

st.subheader("Curves and tables")
curves_and_tables()

st.subheader("Export code and models")
code_export()

st.subheader("Predict a file")
predictions()

state.write_link()
