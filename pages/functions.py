"""The functions that networks are made of, with this network's own numbers on them."""

from __future__ import annotations

import streamlit as st

from ui.functions import functions
from ui.kit.page_parts import begin, following, link
from ui.playground.transport import bar
from ui.session import state

begin()

st.header("Functions")
st.markdown(
    f"""
**What you see.** A unit adds up its inputs to a number z and bends it by a function; the loss bends the distance
between answer and target. The shapes are drawn by the engine, and the dots are your own network.

**Try this.** Press Play and watch where z wanders. {
        link("Six layers of sigmoids", "functions", hidden=(8,) * 6, activations="sigmoid")
    } sit where the curve has almost no slope; {
        link("ReLUs at a high rate", "functions", activations="relu", learning_rate=3.0)
    } die; {link("three classes", "functions", dataset="spiral3")} have a softmax.

**Why.** Learning multiplies slopes, layer by layer. Where a curve is flat, the product is zero and nothing is learnt.
"""
)
bar("How far it trains between two pictures; this page shows one a second.", reset="")
kind = functions.view()
following({"Activations": functions.activations, "Losses": functions.losses, "Softmax": functions.temperature}[kind])

state.write_link()
