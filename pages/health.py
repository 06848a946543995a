"""Health: what goes through the layers, what comes back, and how fast they move."""

from __future__ import annotations

import streamlit as st

from ui.health.health import live_health, side_by_side
from ui.kit.links import preset_links
from ui.playground.messages import refusals
from ui.session import state

state.begin()

st.header("Health")
st.markdown(
    "Signals go forward through the layers, gradients come back. If either dies out or blows up on its way, the layers "
    "cannot learn. Press **Play** and watch."
)
refusals()
live_health()
with st.expander("What you see, what to try, and why"):
    st.markdown(
        r"""
**What you see.** Each ridge is one layer, the first on top. First picture: what its units answer for up to 256 training
examples. Second: how large the gradients by these answers are; one step to the left is ten times smaller. Third: how
far one step moves the weights, as a share of their own length, $\lVert \Delta w \rVert / \lVert w \rVert$; about one
thousandth is a good pace, and the shaded band goes from $10^{-4}$ to $10^{-2}$. *Dead* counts units whose slope
is zero for every example, *saturated* counts answers where a curve with two ends is almost flat.

**Try this.** Open *Vanishing gradient* and come back here: each layer's gradients lie further to the left than those of
the layer after it. Press *Train both* below and compare. Then open *Dead ReLUs* and watch the dead share.

**Why.** On its way back a gradient is multiplied, layer by layer, with the slope of the activation and the weights:
$\delta_{l} = (W_{l+1}^{\top} \delta_{l+1}) \odot f'(z_l)$. A sigmoid's slope is at most $\tfrac14$, so six layers leave
$4^{-6} \approx 0.0002$ at best. ReLU has slope 1 where it is on, and He's first weights, of variance
$2 / \text{inputs}$, make up for the half that is off.
"""
    )
    preset_links("vanishing", "dead_relu", "zeros")
side_by_side()
state.write_link()
