"""Kinds of widgets, each a view of one field of the experiment.

A widget takes its value from the experiment before it is drawn, so a link, a preset or another widget moves it too; a
change folds back into the experiment. Its help says whether the running network takes the change or starts anew.
What a teacher has hidden is not drawn here, and what is locked is drawn but cannot be changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import streamlit as st

from lab.experiment.experiment import LIVE
from ui.session import state
from ui.session.lockable_parts import is_hidden, is_locked

AT_ONCE = "Acts on the running network at once; nothing is reset."
ANEW = "Starts again with new weights."

Show = Callable[[Any], str]
Act = Callable[[Any], None]


def holding(name: str, value: Any, act: Act) -> dict[str, Any]:
    """The key of a widget that shows a value, and what it does when a person changes it."""
    key = state.hold(name, value)
    return {"key": key, "on_change": state.from_widget, "args": (name, key, act)}


def bound(field: str, value: Any, act: Act | None = None) -> dict[str, Any]:
    """The widget's key, its value taken from the experiment, the way back, and whether a teacher has locked it."""
    act = act or (lambda value: state.change(**{field: value}))
    return {**holding(f"field_{field}", value, act), "disabled": locked(field)}


def shown(*fields: str) -> bool:
    """Whether a teacher has left any of these in view; a widget that is not is not drawn."""
    return not all(is_hidden(state.view(), field) for field in fields)


def locked(field: str) -> bool:
    """Whether a teacher has locked the field's widget."""
    return is_locked(state.view(), field)


def explain(field: str, sentence: str) -> str:
    """A help sentence, and what a change of the field does."""
    return f"{sentence} {AT_ONCE if field in LIVE else ANEW}"


def labels(table: dict[str, Any]) -> Show:
    """How the names of a table of records are shown."""
    return lambda name: table[name].label


def choose(label: str, field: str, options: Iterable[str], show: Show, sentence: str) -> None:
    if not shown(field):
        return
    value = getattr(state.experiment(), field)
    st.selectbox(label, list(options), format_func=show, help=explain(field, sentence), **bound(field, value))


def slide(label: str, field: str, options: Sequence[float], sentence: str, show: Show = "{:g}".format) -> None:
    """A slider over a few good values; a value that came by link joins them."""
    if not shown(field):
        return
    value = getattr(state.experiment(), field)
    steps = options if value in options else sorted({*options, value})
    st.select_slider(label, steps, format_func=show, help=explain(field, sentence), **bound(field, value))


def number(label: str, field: str, low: float, high: float, sentence: str, step: float = 1) -> None:
    if not shown(field):
        return
    value = getattr(state.experiment(), field)
    st.number_input(label, low, high, step=step, help=explain(field, sentence), **bound(field, value))


def check(label: str, field: str, sentence: str) -> None:
    if not shown(field):
        return
    st.checkbox(label, help=explain(field, sentence), **bound(field, getattr(state.experiment(), field)))


def of_view(field: str) -> dict[str, Any]:
    """Like `bound`, for a setting of the view."""
    act = partial(state.change_view, field)
    return {**holding(f"view_{field}", state.view()[field], act), "disabled": locked(field)}


def command(label: str, verb: str, **options: Any) -> None:
    """A button that sends the run a command."""
    if not shown(verb):
        return
    options["disabled"] = options.get("disabled", False) or locked(verb)
    st.button(label, key=verb, on_click=state.command, args=(verb,), **options)


def button(label: str, name: str, act: Callable[[], None], help: str) -> None:
    """A button that changes the experiment by more than the value of one widget."""
    if shown(name):
        st.button(label, key=name, on_click=act, disabled=locked(name), help=help)
