"""One step: one training step in numbers, and the check that its gradient is right."""

from __future__ import annotations

import streamlit as st

from ui.kit.links import experiment_link
from ui.kit.page_parts import title_row
from ui.one_step import compiled, gradient_check, one_step
from ui.session import state

VIEWS = {"Walkthrough": one_step.walk, "Gradient check": gradient_check.check, "In C": compiled.code}
ONE_NEURON = experiment_link("one neuron", "one_step", hidden=(1,), samples=40)
SIX_LAYERS = experiment_link("six layers of sigmoids", "one_step", hidden=(8,) * 6, activations="sigmoid")

state.begin()

with title_row("One step"):
    help = "The numbers of one step, the check that its gradient is right, or the step as compiled code."
    view = st.segmented_control("Show", list(VIEWS), default="Walkthrough", required=True, key="step_view", help=help)
if view == "Walkthrough":
    st.markdown("One training step of your own network in numbers: press **Next** until the loss is smaller.")
st.fragment(VIEWS[view])()
with st.expander("What you see, what to try, and why"):
    st.markdown(
        f"""
**What you see.** One training step: forward from an example to the loss, backward by the chain rule to one weight, and
the step of the optimizer. The numbers come from the engine; your run does not change.

**Try this.** Press Next until the loss is smaller. Then choose another weight and go through the steps again. A network
of {ONE_NEURON} fits on a sheet of paper; in {SIX_LAYERS} you can watch the gradient shrink. Each link opens a new tab
with a network of its own.

**Why.** Backpropagation is this product, computed once for all weights together. The gradient check measures the same
derivatives by changing each weight a little, so it would find a wrong formula.
"""
    )
state.write_link()
