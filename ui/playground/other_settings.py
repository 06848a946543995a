"""Settings that are not at their default although the page has no control for them now, because they have no effect."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import streamlit as st

from lab.experiment.experiment import Experiment
from lab.experiment.fields import DEFAULTS, FIELDS
from lab.experiment.rules import short
from ui.kit.escape import escape_markdown
from ui.kit.widgets import locked, shown
from ui.session import state


def out_of_view(e: Experiment) -> Iterator[str]:
    """Changed fields whose control is part of a page but not drawn for this experiment."""
    for name, spec in FIELDS.items():
        if spec.control == "page" and getattr(e, name) != DEFAULTS[name] and not spec.applies(e):
            yield name


def other_settings() -> None:
    """One line for each, with a button that returns it to its default."""
    e = state.experiment()
    for name in filter(shown, out_of_view(e)):
        spec = FIELDS[name]
        value = escape_markdown(short(spec.text(getattr(e, name))))
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f"**{spec.label}**: {value}. Not used {spec.needs.otherwise if spec.needs else ''}.")
            reset = partial(state.change, **{name: DEFAULTS[name]})
            st.button(f"Forget {spec.label.lower()}", key=f"default_{name}", on_click=reset, disabled=locked(name))
