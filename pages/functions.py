"""Functions: activations, losses and softmax, with the numbers of the visitor's network on them."""

from __future__ import annotations

import streamlit as st

from ui.functions import functions
from ui.kit.links import experiment_link
from ui.kit.page_parts import live_fragment, title_row
from ui.playground.transport import bar
from ui.session import state

VIEWS = {"Activations": functions.activations, "Losses": functions.losses, "Softmax": functions.temperature}

state.begin()

with title_row("Functions"):
    help = "Activations of hidden neurons, losses, or the softmax of an output."
    view = st.segmented_control("Kind", list(VIEWS), default="Activations", required=True, key="fn_view", help=help)
    bar("How much training happens between two refreshes; this page refreshes once a second.", reset="")
st.markdown("The curves are computed by the code that trains, and the dots are your own network. Press **Play**.")
live_fragment(VIEWS[view])
with st.expander("What you see, what to try, and why"):
    st.markdown(
        f"""
**What you see.** A neuron adds up its weighted inputs to a number z and applies an activation function; the loss
function compares prediction and target.

**Try this.** Press Play and watch how z changes. {
            experiment_link("Six layers of sigmoids", "functions", hidden=(8,) * 6, activations="sigmoid")
        } end up where the curve is almost flat; {
            experiment_link("ReLUs at a high learning rate", "functions", activations="relu", learning_rate=3.0)
        } die; {experiment_link("three classes", "functions", dataset="spiral3")} use softmax. Each link opens a
new tab with a network of its own.

**Why.** Backpropagation multiplies derivatives, layer by layer. Where a curve is flat, the product is zero and nothing
is learned.
"""
    )
state.write_link()
