"""The offer to hold out a validation part, where something selects by the training part because there is no other."""

from __future__ import annotations

import streamlit as st

from lab.experiment.experiment import USUAL_VALIDATION_SHARE
from ui.kit.widgets import button
from ui.session import state

WHY = (
    "The network learns from those examples, so they cannot show when it begins to memorize them. A validation part "
    "can."
)
HELP = (
    "Sets a share of the training part aside; the network does not train on it. The test part stays as it is. Restarts "
    "training."
)


def propose_validation(sentence: str) -> None:
    """A button that holds out a validation part, if there is none, and a sentence that says why.

    sentence: what looks at the training part instead.
    """
    if not state.experiment().validation_share:
        label = f"Hold out {USUAL_VALIDATION_SHARE:.0%} for validation"
        # The button comes first, because the popover of the stop rules covers the end of the line.
        button(label, "validation_share", _hold_out, HELP)
        st.caption(f"{sentence} {WHY}", width="content")


def _hold_out() -> None:
    state.change(validation_share=USUAL_VALIDATION_SHARE)
    state.draw_the_rest()
