"""Pictures: draw a digit, question the network that reads it, and set up the experiments of the five projects."""

from __future__ import annotations

import streamlit as st

from ui.images import digit_pad, questions
from ui.playground.messages import refusals
from ui.session import state

state.begin()

st.header("Images")
refusals()
questions.network()

left, right = st.columns(2, gap="large")
with left:
    st.subheader("Draw a digit")
    digit_pad.warm_up()
    digit_pad.who_reads()
    digit_pad.pad()
with right:
    questions.first_layer()

questions.questions()

st.subheader("Any test picture, and changed")
digit_pad.test_picture()

st.subheader("Recipes")
questions.recipes()

state.write_link()
