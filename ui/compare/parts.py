"""What the views of the Compare page share: names of figures, and taking a value or a run into the experiment."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from lab.experiment.experiment import Experiment
from lab.experiment.fields import FIELDS
from lab.experiment.group import Group, fields_to_vary
from ui.compare.outcomes import Outcomes
from ui.kit.widgets import obeying
from ui.session import state


def score_name(group: Group) -> str:
    return "accuracy" if group.experiment.source.kind == "classification" else "R²"


def figure_label(group: Group) -> str:
    return f"{group.part} loss"


def number(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "diverged"


def field_box(e: Experiment, usual: str, key: str) -> str:
    """Choose a setting that can vary."""
    names = list(fields_to_vary(e))
    show = lambda name: FIELDS[name].label  # noqa: E731
    help = "The setting whose values are compared."
    return st.selectbox("Setting", names, names.index(usual), format_func=show, key=key, help=help)


def text_of(field: str, value: Any, e: Experiment) -> str:
    """A value as the page writes it."""
    spec = FIELDS[field]
    if field == "hidden":
        return "-".join(map(str, value)) or "none"
    return ("on" if value else "off") if isinstance(value, bool) else spec.text(value, e)


def take(base: Experiment, **fields: Any) -> None:
    """Change the experiment; the comparison stays that of the experiment before."""
    state.change(**fields)
    state.notes()["compare_taken"] = state.experiment(), base


def take_button(label: str, key: str, base: Experiment, help: str, **fields: Any) -> None:
    is_there = all(getattr(state.experiment(), name) == value for name, value in fields.items())
    options = obeying(help, **fields)
    options["disabled"] |= is_there
    st.button(f"{label} (yours)" if is_there else label, key=key, on_click=take, args=(base,), kwargs=fields, **options)


def finals(found: Outcomes, place: int) -> np.ndarray:
    """The losses after the last epoch of the runs with one value."""
    return found.losses[found.of(place), -1]


def diverged(found: Outcomes, place: int) -> int:
    return sum(found.status[number] == "diverged" for number in found.of(place))
