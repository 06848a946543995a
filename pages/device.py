"""Device: which devices this machine has, and how fast each one trains."""

from __future__ import annotations

import streamlit as st

from ui.device.measurement import device_list, measurement
from ui.session import state

state.begin()

st.header("Device")
st.markdown(
    "The same layers run on the CPU with NumPy and on an NVIDIA GPU with CuPy. Which one is faster depends on the size "
    "of the network and the batch. Choose the device on the Playground, and measure here."
)
device_list()
measurement()
with st.expander("What you see, what to try, and why"):
    st.markdown(
        """
**What you see.** Each line is a network with 784 inputs, one hidden layer and 10 outputs that is trained here on random
images, on one core like your own. Further to the right the batches are larger, so an epoch has fewer and longer steps.
Lower is faster; both axes are logarithmic.

**Try this.** Compare 16 and 64 neurons at batch size 16: four times the arithmetic, but not four times the time. Then
compare 256 and 1024 neurons at batch size 1024, where the time grows as well. The last column of the table says
what limits a step: launching operations, if it takes less than twice as long as the shortest step of all; arithmetic,
if its rate is close to the best; otherwise memory.

**Why.** A step is about 30 operations on arrays, and launching one costs the same however small the array is: about one
microsecond on the CPU, several on a GPU. On the GPU they are fused into about ten kernels, and up to 32 steps are
launched together. Small networks still spend their time on **launching operations**, and there the CPU wins. Large
weights with small batches wait for **memory**: each weight is loaded for only a few multiplications. Large batches are
limited by **arithmetic**, at which a GPU is a hundred times as fast.

The measurement runs steps one array operation at a time. Where the CPU's steps are compiled, many of them are a single
call, so small networks no longer spend their time on launching operations and train about ten times as fast as here.

Both devices start from the same weights and see the same batches. They add numbers in a different order, so the losses
differ in the last digits of 32-bit numbers, and training slowly amplifies the difference.
"""
    )
state.write_link()
