"""Health: activations, gradients and updates of each layer, live, and two networks compared."""

from __future__ import annotations

import streamlit as st

from ui.health.health import live_health, side_by_side
from ui.kit.links import preset_links
from ui.playground.messages import refusals
from ui.session import state

state.begin()

st.header("Health")
st.markdown(
    "Activations go forward through the layers, gradients go back. If either vanishes or explodes, the layers cannot "
    "learn. Press **Play** and watch."
)
refusals()
live_health()
with st.expander("What you see, what to try, and why"):
    st.markdown(
        r"""
**What you see.** Each ridge is one layer, the first on top. The first chart shows the activations of its neurons for at
most 256 training examples; the second the size of their gradients, ten times smaller per neuron to the left; the third
how far one step changes the weights, relative to their length, $\lVert \Delta w \rVert / \lVert w \rVert$. About one
thousandth is a good pace, and the shaded band is from $10^{-4}$ to $10^{-2}$. *Dead* is the share of neurons whose
derivative is zero for every example, *saturated* the share of activations where a bounded function is almost flat.

**Try this.** Open *Vanishing gradient* and come back here: the gradients of each layer are further to the left than
those of the next layer. Press *Train both* below and compare, also without and with skip connections. Then open *Dead
ReLUs* and watch the share of dead neurons.

**Why.** On its way back a gradient is multiplied, layer by layer, by the weights and the derivative of the activation:
$\delta_{l} = (W_{l+1}^{\top} \delta_{l+1}) \odot f'(z_l)$. The derivative of a sigmoid is at most $\tfrac14$, so six
layers leave at most $4^{-6} \approx 0.0002$. ReLU has derivative 1 where it is active, and He initialization, with
variance $2 / \text{inputs}$, makes up for the half that is not. A skip connection adds the input of a layer to its
output, $a_l = a_{l-1} + f(z_l)$, so the gradient takes two paths,
$\partial L / \partial a_{l-1} = W_l^{\top} \delta_l + \partial L / \partial a_l$: where the layer lets nothing through,
the second path remains.
"""
    )
    preset_links("vanishing", "dead_relu", "zeros")
side_by_side()
state.write_link()
