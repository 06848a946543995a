"""Response curves under the settings: their places, which the live view fills, and the control that shows them."""

from __future__ import annotations

import streamlit as st

from lab.experiment.fields import FIELDS
from lab.experiment.group import fields_to_vary
from ui.kit import widgets
from ui.kit.validation_proposal import about_the_part
from ui.kit.widgets import is_in_view, minor_help, of_view, shown
from ui.session import state
from ui.session.lockable_parts import is_hidden

WITHOUT = ("dtype", "monitor", "validation_share")  # fields whose values have no results to choose by
PLACE = '<div class="response response-{}" data-field="{}"></div>'


def control(name: str) -> None:
    """The generated control of a field, above the place of its response curve."""
    widgets.control(name)
    if is_in_view(name) and FIELDS[name].control in ("slider", "choice"):
        place_curve(name)


def place_curve(name: str) -> None:
    """An empty place for the curve of a field, if curves are shown and its values have results to choose by."""
    if _are_shown() and name not in WITHOUT and name in fields_to_vary(state.experiment()):
        st.html(PLACE.format("slider" if FIELDS[name].control == "slider" else "menu", name))


def _are_shown() -> bool:
    return bool(state.view()["responses"]) and shown("responses") and state.runs().live


def response_controls() -> None:
    """Whether curves are shown, and by which part of the data they choose."""
    if not state.runs().live or is_hidden(state.view(), "responses") or is_hidden(state.view(), "show_test"):
        return  # whoever hides the options of the picture leaves nothing beside it
    help = minor_help(
        "Under each setting, the result of training with each of its values, everything else as it is: the median of "
        "several runs, and the range of their middle half. Click a value to take it."
    )
    st.checkbox("Show where each setting leads", help=help, **of_view("responses"))
    if _are_shown():
        e = state.experiment()
        about_the_part(e, "hold_out", is_offered=not e.selects)
