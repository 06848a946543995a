"""What the views of the Compare page share: names of figures, and taking a value or a run into the experiment."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import streamlit as st

from lab.experiment.experiment import Experiment
from lab.experiment.fields import FIELDS
from lab.experiment.group import Group, fields_to_vary, present_value
from lab.experiment.replay import Replay, unpacked
from lab.training.spread import spread
from ui.compare.outcomes import Outcomes
from ui.kit.widgets import keyed, obeying
from ui.session import comparison, state
from ui.session.comparison import Comparison


def score_name(group: Group) -> str:
    return "accuracy" if group.experiment.source.kind == "classification" else "R²"


def figure_label(group: Group) -> str:
    return f"{group.part} {group.figure}"


def worse(group: Group) -> int:
    """1 where a larger figure is worse, else -1."""
    return 1 if group.figure == "loss" else -1


def superlative(group: Group) -> str:
    return "lowest" if group.figure == "loss" else "highest"


def name_of(group: Group, place: int) -> str:
    """The values of a place in words."""
    named = group.fields_at(place).items()
    return " and ".join(f"{FIELDS[f].label} {text_of(f, value, group.experiment)}" for f, value in named)


def number(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "diverged"


def chosen() -> Comparison:
    """What is compared, as the link holds it."""
    return comparison.read(state.view()["compare"]) or Comparison()


def fork() -> Replay | None:
    """What both runs of a change do first, if they do not begin at epoch 0."""
    return unpacked(chosen().start) if chosen().start else None


def choose(found: Comparison) -> None:
    state.change_view("compare", found.text)


def chooses(
    key: str, value: Any, act: Callable[[Comparison, Any], Comparison], values: Collection[Any] | None = None
) -> dict[str, Any]:
    """Options of a widget that shows a value of what is compared. act: the comparison with another value."""
    return keyed(key, value, lambda value: choose(act(chosen(), value)), values=values)


def sets(key: str, name: str) -> dict[str, Any]:
    """The same for a widget that shows one field of what is compared."""
    return chooses(key, getattr(chosen(), name), lambda now, value: now._replace(**{name: value}))


def field_box(e: Experiment, key: str, usual: str, name: str = "field", title: str = "Setting", but: str = "",
              among: Collection[str] = FIELDS) -> str:  # fmt: skip
    """Choose a setting that can vary, and is not `but`. name: where the comparison keeps it."""
    names = [other for other in fields_to_vary(e) if other != but and other in among]
    given = getattr(chosen(), name)
    shown = next(field for field in (given, usual, *names) if field in names)
    show = lambda name: FIELDS[name].label  # noqa: E731
    help = "The setting whose values are compared."
    act = lambda now, field: now._replace(**{name: field}, value="", pair="")  # noqa: E731
    return st.selectbox(title, names, format_func=show, help=help, **chooses(key, shown, act))


def text_of(field: str, value: Any, e: Experiment) -> str:
    """A value as the page writes it."""
    return ("on" if value else "off") if isinstance(value, bool) else FIELDS[field].text(value, e)


def take(base: Experiment, **fields: Any) -> None:
    """Change the experiment; the comparison stays that of the experiment before."""
    state.change(**fields)
    state.notes()["compare_taken"] = state.experiment(), base


def take_button(label: str, key: str, base: Experiment, help: str, **fields: Any) -> None:
    is_there = all(present_value(name, state.experiment()) == value for name, value in fields.items())
    options = obeying(help, **fields)
    options["disabled"] |= is_there
    st.button(f"{label} (yours)" if is_there else label, key=key, on_click=take, args=(base,), kwargs=fields, **options)


def series(found: Outcomes, place: int) -> np.ndarray:
    """(runs, epochs + 1): what is compared, of the runs with one value."""
    return (found.losses if found.group.figure == "loss" else found.scores)[found.of(place)]


def finals(found: Outcomes, place: int) -> np.ndarray:
    """The same after the last epoch."""
    return series(found, place)[:, -1]


def quartiles(found: Outcomes, place: int) -> tuple[np.ndarray, ...]:
    """First quartile, median and third quartile after the last epoch."""
    return spread(finals(found, place), worse(found.group))[1:4]


def diverged(found: Outcomes, place: int) -> int:
    return sum(found.status[number] == "diverged" for number in found.of(place))


def present_place(group: Group) -> int | None:
    """The place of the visitor's values among those of the group."""
    e = state.experiment()
    places = range(group.places)
    is_present = lambda place: all(present_value(f, e) == value for f, value in group.fields_at(place).items())  # noqa: E731
    return next(filter(is_present, places), None)


def take_place(group: Group, place: Any) -> None:
    """Take the value, or pair of values, that was picked."""
    number = int(place) if isinstance(place, int) or (isinstance(place, str) and place.isdecimal()) else -1
    if 0 <= number < group.places:
        take(group.experiment, **group.fields_at(number))
