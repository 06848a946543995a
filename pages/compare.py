"""Compare: how much of a result is luck, which value or pair is best, and whether a change helps."""

from __future__ import annotations

import streamlit as st

from ui.compare.compare import choose_view, compare
from ui.kit.page_parts import title_row
from ui.playground.messages import refusals
from ui.session import state

state.begin()

with title_row("Compare"):
    choose_view()
refusals()
compare()
with st.expander("What you see, what to try, and why"):
    st.markdown(
        """
**What you see.** Runs of the network on the page Playground, trained beside it; your run does not change. A line is the
median: half of the runs are better. The dark band holds the middle half of all runs, the pale one all of them. A run
that diverges counts as worse than any other; none is left out. Two runs side by side advance in lock step: no epoch of
one begins before the other has ended the one before.

**Try this.** *Repeat*: is one run that reached 97 % typical, or lucky? *One setting*: look at the learning rate, then
at the batch size. *Two settings*: does the best learning rate depend on the batch size? Drag one tile onto another.
*One change*: does L2 help here? With 10 pairs, and with 100? Train on the Playground until the loss moves little, then
fork the run here with a tenth of its learning rate. *Folds*: which part of the data is hardest?

**Why.** The initial weights and the order of the batches are random, so one run proves little. Pairs with equal random
numbers differ only by the change itself, so fewer of them are needed.
"""
    )
state.write_link()
