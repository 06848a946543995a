"""Images: draw a digit, inspect the network that recognizes it, and set up the experiments of the five projects."""

from __future__ import annotations

import streamlit as st

from ui.images import digit_pad, own_network, recipe_list
from ui.playground.messages import refusals
from ui.session import state

state.begin()

st.header("Images")
refusals()
own_network.transport()

left, right = st.columns(2, gap="large")
with left:
    st.subheader("Draw a digit")
    digit_pad.warm_up()
    digit_pad.network_choice()
    digit_pad.pad()
with right:
    own_network.first_layer()

own_network.confusion_and_mistakes()

st.subheader("Change a test image")
digit_pad.test_image()

st.subheader("Recipes")
recipe_list.recipes()

state.write_link()
