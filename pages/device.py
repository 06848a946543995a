"""Device: where the network is computed, and what that costs on this machine."""

from __future__ import annotations

import streamlit as st

from ui.device.measurement import device_list, measured
from ui.session import state

state.begin()

st.header("Device")
st.markdown(
    "The same layers run on the processor with NumPy and on an NVIDIA graphics card with CuPy. Which is faster depends "
    "on the size of the work; choose the device on the Playground, and measure here."
)
device_list()
measured()
with st.expander("What you see, what to try, and why"):
    st.markdown(
        """
**What you see.** Each line is a network 784-units-10 on made-up pictures, trained here and now on one core, as your
own is. Further right the batch is larger: fewer, longer steps an epoch. Lower is faster; both axes are logarithmic.

**Try this.** Compare 16 and 64 units at batch 16: four times the arithmetic, but not four times the time. Then compare
256 and 1024 units at batch 1024, where it is. The last column of the table says what takes the time: starting the
operations, where a step is less than twice as long as the shortest of all; arithmetic, where the rate comes near the
best; else memory.

**Why.** A step is some 30 operations on arrays, and starting one costs the same however small the array is: about a
microsecond on the CPU, several on a card. There they are joined into some ten kernels, and up to 32 steps are started
in one go. Still small networks spend their time on **starting the operations**, and there the CPU wins. Large weights
with small batches wait for **memory**: every weight is fetched for a few multiplications
only. Large batches reach **arithmetic**, of which a card has a hundred times as much.

Both devices start from the same weights and see the same batches. Their sums run in another order, so the losses differ
in the last digits of 32-bit numbers, and training enlarges that slowly.
"""
    )
state.write_link()
