"""The offer to hold out a validation part, where something selects by the training part because there is no other."""

from __future__ import annotations

import streamlit as st

from lab.experiment.experiment import USUAL_VALIDATION_SHARE, Experiment
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


def about_the_part(e: Experiment, key: str = "validation_share", *, is_offered: bool = True) -> None:
    """By which part of the data something helps to choose, and a button that holds out a better one.

    is_offered: whether there is no such button elsewhere on the page.
    """
    if e.validation_share:
        st.caption("The figures are those of the validation part. The test part is not looked at.")
        return
    st.caption("These figures are of the test part. Choosing by them spoils the final test.")
    if is_offered:
        help = "Sets a share of the training part aside for validation, by which you can choose. Restarts training."
        button(f"Hold out {USUAL_VALIDATION_SHARE:.0%}", key, _hold_out, help, changes="validation_share")
