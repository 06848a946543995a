"""One training step, number by number; and the check that its gradient is right."""

from __future__ import annotations

import streamlit as st

from ui.kit.page_parts import begin, link
from ui.one_step import gradient_check, one_step
from ui.session import state

begin()

st.header("One step")
st.markdown(
    f"""
**What you see.** One step of learning of your own network: from a data point to the loss, back by the chain rule to one
weight, and the step that the optimiser takes. The numbers are the engine's; looking changes nothing in your run.

**Try this.** Press Next until the loss is smaller. Then choose another weight and walk again. A network of
{link("one unit", "one_step", hidden=(1,), samples=40)} fits on a sheet of paper; in
{link("six layers of sigmoids", "one_step", hidden=(8,) * 6, activations="sigmoid")} watch the gradient shrink.

**Why.** Backpropagation is nothing but this product, worked out once for all weights together. The gradient check
measures the same slopes by moving every weight a little: if a formula were wrong, it would show.
"""
)
views = {"The walk": one_step.walk, "Gradient check": gradient_check.check}
help = "The numbers of one step, or the proof that its gradient is right."
view = st.segmented_control("Show", list(views), default="The walk", required=True, key="step_view", help=help)
st.fragment(views[view or "The walk"])()

state.write_link()
