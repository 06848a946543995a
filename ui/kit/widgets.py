"""The controls of the fields of an experiment, made from their records in lab/experiment/fields.py.

A widget takes its value from the experiment before it is drawn, so a link, a preset or another widget moves it too; a
change goes back into the experiment. Its help says whether training continues or restarts. What a teacher has hidden is
not drawn, and what is locked is drawn but cannot be changed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import streamlit as st

from lab.experiment.experiment import Experiment
from lab.experiment.fields import DEFAULTS, FIELDS, LIVE, PREVIEWED
from lab.experiment.rules import Range, as_text
from lab.protocol.speed import SPEEDS
from ui.session import state
from ui.session.lockable_parts import is_hidden, is_locked

CONTINUES = "Training continues."
RESTARTS = "Restarts training."
FINISHES = "Shows the finished run."
LOCKED = "Set by the author of this link."

Act = Callable[[Any], None]


# Any widget ----------------------------------------------------------------------------------------------------------


def keyed(
    name: str, value: Any, act: Act, *, default: Mapping[str, Any] | None = None, values: Collection[Any] | None = None
) -> dict[str, Any]:
    """Options of a widget that shows a value: its key, and the callback for changes by a person.

    default: the value as an argument of the widget. With it the browser is not told the value on every script run,
    which could overwrite a press; where it draws the widget again, as after a lost connection, it takes the default,
    and reports it as a change if it is another one.
    values: those of a box whose labels change, which reports its old label as its value afterwards.
    """
    key = state.widget_key(name, value, repeats=default is None)
    take = act if values is None else lambda value: act(value) if value in values else None
    return {"key": key, "on_change": state.on_widget_change, "args": (name, key, take), **(default or {})}


def shown(*names: str) -> bool:
    """Whether any of these fields and buttons is not hidden by a teacher."""
    view = state.view()
    return not all(is_hidden(view, name) for name in names)


def locked(name: str) -> bool:
    """Whether a teacher has locked the control of a field, or a button."""
    return is_locked(state.view(), name)


def obeying(help: str, **fields: Any) -> dict[str, Any]:
    """Options of a button that changes fields of the experiment: disabled with a reason where a teacher locked one."""
    reason = state.lock_reason(**fields)
    return {"disabled": bool(reason), "help": reason or help}


def labels(table: dict[str, Any]) -> Callable[[str], str]:
    """How the names of a table of records are shown."""
    return lambda name: table[name].label


def of_view(name: str, values: Collection[Any] | None = None) -> dict[str, Any]:
    """Like `bound`, for a setting of the view."""
    act = partial(state.change_view, name)
    return {**keyed(f"view_{name}", state.view()[name], act, values=values), "disabled": locked(name)}


def command(label: str, verb: str, **options: Any) -> None:
    """A button that sends the run a command."""
    if shown(verb):
        if locked(verb):
            options |= {"disabled": True, "help": LOCKED}
        st.button(label, key=verb, on_click=state.command, args=(verb,), **options)


def button(label: str, name: str, act: Callable[[], None], help: str, changes: str = "") -> None:
    """A button that changes the experiment by more than the value of one widget. changes: a field besides its name."""
    if shown(name) and shown(changes):
        is_off = locked(name) or locked(changes)
        st.button(label, key=name, on_click=act, disabled=is_off, help=LOCKED if is_off else help)


# Fields --------------------------------------------------------------------------------------------------------------


def bound(
    name: str, value: Any, act: Act | None = None, *, default: Mapping[str, Any] | None = None,
    values: Collection[Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Options of a field's widget: its key, its callback, and whether a teacher has locked it. See `keyed`."""
    act = act or (lambda value: state.change(**{name: value}))
    return {**keyed(f"field_{name}", value, act, default=default, values=values), "disabled": locked(name)}


def explain(name: str, more: str = "") -> str:
    """The help of a field, and whether a change restarts training. more: a sentence about its current value."""
    spec, value = FIELDS[name], getattr(state.experiment(), name)
    more = more or (getattr((spec.choices or {}).get(value), "sentence", "") if isinstance(value, str) else "")
    if locked(name):
        return f"{LOCKED} {spec.help}"
    effect = CONTINUES if name in LIVE else RESTARTS
    if SPEEDS[state.view()["speed"]].finishes:
        effect = FINISHES
    return " ".join(filter(None, (spec.help, more, effect)))


def slider_values(name: str, e: Experiment) -> tuple[float, ...]:
    """The steps of a slider, and the current value if it is another one, from a link."""
    steps, value = FIELDS[name].steps, getattr(e, name)
    return steps if value in steps else tuple(sorted({*steps, value}))


def previews(e: Experiment) -> dict[str, dict[str, float]]:
    """The fields whose slider is followed while it is dragged: field -> text at its thumb -> value."""
    return {name: {FIELDS[name].text(value): value for value in slider_values(name, e)} for name in PREVIEWED}


def is_at_default(name: str, e: Experiment) -> bool:
    return getattr(e, name) == DEFAULTS[name]


def is_simple() -> bool:
    """Whether the page shows only its few most important controls, and those whose field is not at its default."""
    return state.view()["controls"] == "simple"


def minor_help(text: str) -> str | None:
    """The help of a control that explains itself: the simple page has none, and so fewer stops of the Tab key."""
    return None if is_simple() else text


def offered(name: str) -> bool:
    """Whether the page has a control for a field: no teacher has hidden it, and it is not too special for the page."""
    return shown(name) and (FIELDS[name].simple or not is_simple() or not is_at_default(name, state.experiment()))


def is_in_view(name: str) -> bool:
    """Whether the generated control of a field is drawn: it has an effect, or is not at its default."""
    e = state.experiment()
    return offered(name) and (FIELDS[name].applies(e) or not is_at_default(name, e))


def control(name: str) -> None:
    """The generated control of a field."""
    if not is_in_view(name):
        return
    e, spec = state.experiment(), FIELDS[name]
    value, help = getattr(e, name), explain(name)
    match spec.control:
        case "slider":
            steps = slider_values(name, e)
            is_in_popover = spec.advanced or state.view()["projector"]
            default = None if is_in_popover else {"value": value}  # else a held arrow key would lose steps
            options = bound(name, value, default=default)
            st.select_slider(spec.title, steps, format_func=spec.text, help=help, **options)
        case "choice":
            show = partial(spec.text, e=e)
            names = spec.options(e)
            st.selectbox(spec.title, names, format_func=show, help=help, **bound(name, value, values=names))
        case "check":
            st.checkbox(spec.title, help=help, **bound(name, value))
        case "number":
            assert isinstance(spec.allowed, Range)
            kind = type(value)
            low, high, step = map(kind, (spec.allowed.low, spec.allowed.high, spec.increment))
            form = "%d" if kind is int else "%g"
            st.number_input(spec.title_for(e), low, high, step=step, format=form, help=help, **bound(name, value))
        case "text":
            st.text_input(spec.title, help=help, **bound(name, as_text(value)))


def group(name: str, *, advanced: bool) -> tuple[str, ...]:
    """The fields of a group of the page that have generated controls, in the order of the table."""
    return tuple(
        field
        for field, spec in FIELDS.items()
        if spec.group == name and spec.advanced == advanced and spec.control != "page"
    )


def folded(label: str, fields: Iterable[str], key: str, **options: Any) -> AbstractContextManager:
    """A popover that counts the fields in it that are not at their defaults."""
    e, view = state.experiment(), state.view()
    changed = sum(not is_at_default(name, e) for name in fields if not is_hidden(view, name))
    return st.popover(f"{label}: {changed}" if changed else label, key=key, **options)
