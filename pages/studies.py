"""Studies: which values of several settings are best."""

from __future__ import annotations

import streamlit as st

from ui.kit.page_parts import title_row
from ui.playground.messages import refusals
from ui.session import state
from ui.studies.studies import page

state.begin()

title_row("Studies")
refusals()
page()
with st.expander("What you see, what to try, and why"):
    st.markdown(
        """
**What you see.** Each point is a trial: your experiment with other values of the chosen settings, trained several times
with different initial weights. The median of its runs counts. The line is the best trial so far, the band the range of
its runs. In the parallel coordinates each line is a trial; lines that end low on the last axis have a low loss.

**Try this.** Search the learning rate and the hidden layers. Which of the two matters more? Then search with *Random*
and the same number of trials: how much did it help to learn from trials?

**Why.** Trials are compared on the validation part, because whoever chooses the best of many by the test part chooses
partly by luck: its figure is then better than on new examples, and nothing is left to find that out. So the test part
is looked at once, after the last trial, for the best one alone.
"""
    )
state.write_link()
