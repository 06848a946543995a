"""Optimizers: races on test surfaces and on the network's own loss, the learning-rate test, and the formulas."""

from __future__ import annotations

import streamlit as st

from ui.kit.links import preset_links
from ui.optimizers.find_rate import find_rate
from ui.optimizers.own_landscape import own_landscape
from ui.optimizers.race_parts import formulas
from ui.optimizers.surface_race import race_on_surface
from ui.session import state

VIEWS = {"Race on a surface": race_on_surface, "Your own loss": own_landscape, "Find a rate": find_rate}

state.begin()

st.header("Optimizers")
st.markdown(
    "The gradient gives the direction of steepest ascent. An **optimizer** decides how far to go the other way, and "
    r"what to remember from earlier steps. SGD takes $p \leftarrow p - \eta\, g$; all others modify that rule."
)
view = st.segmented_control(
    "Show",
    list(VIEWS),
    default="Race on a surface",
    required=True,
    key="optimizers_part",
    help="A race on a test function, a race on your network's loss, or a test of learning rates.",
    persist_state="session",
)
VIEWS[view]()

with st.expander("What you see, what to try, and why"):
    st.markdown(
        """
**What you see.** Height is the loss, which is to be minimized. Each line is the path of one optimizer, with its own
color, dash and marker. An optimizer knows only the gradient at its current point, never the whole map.

**Try this.** *Ravine*, with all seven: SGD zigzags between the walls, momentum rolls through. Then raise the learning
rate until one of them diverges. *Saddle*: set start y to exactly 0, and SGD never leaves the ridge. *Rosenbrock*:
switch on *Each at its own best rate*, and the order changes. A rate that suits one optimizer says nothing about
another.

**Why.** The loss of a network has one axis per weight. Along some it is steep, along others flat, so a single learning
rate is too large for some and too small for others. Momentum accumulates the directions that stay the same; AdaGrad,
RMSProp and Adam divide by the typical size of each gradient. *Your own loss* shows a plane through that landscape: try
it before training and after, and then with other weights.
"""
    )
    preset_links("easy_win", "high_rate", "full_batch")
formulas()
state.write_link()
