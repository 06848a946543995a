"""Pictures: draw a digit, question the network that reads it, and set up the experiments of the five projects."""

from __future__ import annotations

import streamlit as st

from ui import controls, images, pad, state

state.begin()

st.header("Images")
controls.refusals()
images.network()

left, right = st.columns(2, gap="large")
with left:
    st.subheader("Draw a digit")
    pad.warm_up()
    pad.who_reads()
    pad.pad()
with right:
    images.first_layer()

images.questions()

st.subheader("Any test picture, and changed")
pad.test_picture()

st.subheader("Recipes")
images.recipes()

state.write_link()
