"""Compare: how much of a result is luck, which value is best, and whether a change helps."""

from __future__ import annotations

import streamlit as st

from ui.compare.compare import VIEWS, compare
from ui.kit.page_parts import title_row
from ui.session import state

state.begin()

with title_row("Compare"):
    help = "One experiment many times, one setting with all its values, or pairs of runs that differ in one setting."
    view = st.segmented_control(
        "Question", list(VIEWS), default="Repeat", required=True, key="compare_view", help=help, persist_state="session"
    )
compare(view)
with st.expander("What you see, what to try, and why"):
    st.markdown(
        """
**What you see.** Runs of the network on the page Playground, trained beside it; your run does not change. A line is the
median: half of the runs are better. The dark band holds the middle half of all runs, the pale one all of them. A run
that diverges counts as worse than any other; none is left out.

**Try this.** *Repeat*: is one run that reached 97 % typical, or lucky? *One setting*: look at the learning rate, then
at the batch size. *One change*: does L2 help here? With 10 pairs, and with 100?

**Why.** The initial weights and the order of the batches are random, so one run proves little. Pairs with equal random
numbers differ only by the change itself, so fewer of them are needed.
"""
    )
state.write_link()
