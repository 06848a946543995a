"""Runs: kept runs in a table, searched, compared, opened again, exported and imported."""

from __future__ import annotations

import streamlit as st

from ui.kit.page_parts import title_row
from ui.playground.messages import refusals
from ui.runs import runs
from ui.session import state

state.begin()

row = title_row("Runs")
refusals()
if runs.can_keep():
    with row:
        runs.controls()
    runs.page()
with st.expander("What you see, what to try, and why"):
    st.markdown(
        """
**What you see.** Each row is a run that was kept, with the settings in which these runs differ and what they have
reached. Choose rows to compare them. The address of the page holds the comparison: whoever opens it sees the same runs.

**Try this.** Keep a run, change the learning rate, train and keep again, three times; choose the three and look at
their curves. *Scatter* shows the loss over one setting, *Parallel coordinates* all settings at once. *Open on the
Playground* trains a run again from its first step, with every change that you made, and says whether it has the same
weights.

**Why.** One run says little, and the best of many says less than it seems to: the lowest of a hundred test losses is
also the luckiest. Choose by the validation part, and look at the test part once.
"""
    )
state.write_link()
