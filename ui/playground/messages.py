"""Messages about changes that were refused and about a run that diverged.

The containers are always there: an element that comes and goes above the live view would mount the view again.
"""

from __future__ import annotations

import streamlit as st

from lab.experiment.fields import RATE_STEPS
from ui.kit.escape import escape_markdown
from ui.kit.widgets import obeying
from ui.session import state


def refusals() -> None:
    """One sentence for each value that was refused, as plain text."""
    place = st.container()
    if refused := state.refused():
        place.warning(
            "Not accepted; nothing else is affected:\n\n" + "\n".join(f"- {escape_markdown(text)}" for text in refused)
        )


def divergence() -> None:
    """What happened, and a button that starts again with a lower learning rate; a changed setting removes both."""
    status = state.status()
    with st.container(horizontal=True, vertical_alignment="center", key="diverged"):
        if status["status"] == "diverged":
            rate = state.experiment().learning_rate
            lower = max((r for r in RATE_STEPS if r <= rate / 10), default=RATE_STEPS[0])
            st.error(status["notice"])
            label = f"Start again with learning rate {lower:g}"
            options = obeying("Training starts from the initial weights.", learning_rate=lower)
            st.button(label, key="lower_rate", type="primary", on_click=_start_again, args=(lower,), **options)


def _start_again(rate: float) -> None:
    state.change(learning_rate=rate)
    state.command("reset")
    state.command("play")
