"""Optimisers: the same point, the same slope, seven ways down."""

from __future__ import annotations

import streamlit as st

from ui.kit.links import preset_links
from ui.optimizers.landscape import own_landscape
from ui.optimizers.race import formulas, race_on_surface
from ui.optimizers.rate_finder import rate_finder
from ui.session import state

PARTS = {"Race on a surface": race_on_surface, "Your own loss": own_landscape, "Find a rate": rate_finder}

state.begin()

st.header("Optimizers")
st.markdown(
    "The gradient says which way is down. An **optimizer** decides how far to go, and what to remember of earlier "
    r"steps. Plain descent takes $p \leftarrow p - \eta\, g$; all others change that line a little."
)
part = st.segmented_control(
    "Show",
    list(PARTS),
    default="Race on a surface",
    required=True,
    key="optimizers_part",
    help="A race on a formula, a race on your network's loss, or a test of rates.",
    persist_state="session",
)
PARTS[part]()

with st.expander("What you see, what to try, and why"):
    st.markdown(
        """
**What you see.** Height is the loss, the thing to make small. Each line is one optimizer on its way, with a colour, a
dash and a marker of its own. All see only the slope under their own feet, never the whole map.

**Try this.** *Ravine*, with all seven: SGD zigzags between the walls, momentum rolls through. Then raise the rate until
somebody runs off. *Saddle*: set start y to 0 exactly, and plain descent never leaves the ridge. *Rosenbrock*: switch on
*Each at its own best rate*; the order changes. A rate that suits one optimizer says nothing about another.

**Why.** The loss of a network has one axis for each weight. Along some it is steep, along others flat; one rate for all
is too large for the one and too small for the other. Momentum adds up what stays the same, AdaGrad, RMSProp and Adam
divide by the usual size of each gradient. *Your own loss* cuts a plane through that landscape: try it before training
and after, and then with other weights.
"""
    )
    preset_links("easy_win", "high_rate", "full_batch")
formulas()
state.write_link()
