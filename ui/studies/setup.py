"""The controls of what is searched. The link holds it: see ui/session/study_setup.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import streamlit as st

from lab.experiment.experiment import Experiment
from lab.experiment.fields import FIELDS
from lab.experiment.group import fields_to_vary
from lab.studies.study import CHANGES_LOSS, FIXED, PRUNERS, SAMPLERS
from ui.kit.widgets import keyed
from ui.session import state, study_setup
from ui.session.study_setup import EPOCHS, MOST_FIELDS, OBJECTIVES, SEEDS, TRIALS, Setup, has_range

USUAL_RANGES = {"learning_rate": (0.003, 1.0), "l1": (0.0001, 0.1), "l2": (0.0001, 0.1), "weight_decay": (0.0001, 0.1)}
USUAL_VALUES = 4  # of a setting without a range
SAMPLER_LABELS = {"tpe": "Learn from trials (TPE)", "random": "Random", "grid": "Grid"}


def offered(e: Experiment, objective: str) -> list[str]:
    """The fields that the page can vary."""
    refused = FIXED | (CHANGES_LOSS if objective == "loss" else frozenset())
    return [name for name in fields_to_vary(e) if name not in refused]


def chosen(e: Experiment) -> Setup:
    """As the link has it, without what the experiment does not offer."""
    now, space = study_setup.read(state.view()["study"]) or Setup(), usual_space(e)
    known = offered(e, now.objective)
    found = space if now.space is None else now.space
    return now._replace(space={name: values for name, values in found.items() if name in known})


def usual_space(e: Experiment) -> dict[str, tuple[Any, ...]]:
    return {name: usual(name, e) for name in ("learning_rate", "hidden")}


def usual(name: str, e: Experiment) -> tuple[Any, ...]:
    """The range or the values that are proposed for a field."""
    if has_range(name):
        steps = FIELDS[name].steps
        return USUAL_RANGES.get(name, (steps[0], steps[-1]))
    values = fields_to_vary(e)[name]
    return values if len(values) <= USUAL_VALUES else values[1 : 1 + USUAL_VALUES]


def choose(**changes: Any) -> None:
    now = chosen(state.experiment())._replace(**changes)
    state.change_view("study", "" if now == Setup(usual_space(state.experiment())) else now.text)


def _search(names: list[str]) -> None:
    """Search these fields, each with what is chosen for it or usual."""
    e, space = state.experiment(), _space()
    choose(space={name: space.get(name) or usual(name, e) for name in names[:MOST_FIELDS]})


def _vary(name: str, values: Iterable[Any]) -> None:
    choose(space={**_space(), name: tuple(values)})


def _space() -> Mapping[str, Any]:
    return chosen(state.experiment()).space or {}


def controls(e: Experiment, most_trials: float) -> Setup:
    """The controls; returns what is chosen."""
    now = chosen(e)
    label = lambda name: FIELDS[name].label  # noqa: E731
    space = now.space or {}
    help = f"What the study may change, at most {MOST_FIELDS} settings. Everything else stays as on the Playground."
    names = offered(e, now.objective)
    options = keyed("study_fields", list(space), _search)
    st.multiselect("Settings to search", names, format_func=label, max_selections=MOST_FIELDS, help=help, **options)
    for name in space:
        _variation_control(name, space[name], e)
    numbers = [n for n in TRIALS if n <= most_trials or n == now.trials]
    _slider("Trials", "trials", numbers, now, "How many combinations are tried.")
    _slider("Runs of each trial", "seeds", SEEDS, now,
            "Each with other initial weights. Their median counts, so that a lucky one does not win.")  # fmt: skip
    _slider("Epochs", "epochs", EPOCHS, now, "How long each run trains.")
    score = "Accuracy" if e.source.kind == "classification" else "R²"
    show = {"loss": "Loss", "score": score}.__getitem__
    options = keyed("study_objective", now.objective, lambda value: choose(objective=value))
    help = "What makes a trial good. It is measured on the validation part, never on the test part."
    st.segmented_control("Objective", OBJECTIVES, required=True, format_func=show, help=help, **options)
    options = keyed("study_sampler", now.sampler, lambda value: choose(sampler=value))
    help = "; ".join(f"{SAMPLER_LABELS[name]}: {sentence}" for name, sentence in SAMPLERS.items()) + "."
    st.selectbox("Proposals", list(SAMPLERS), format_func=SAMPLER_LABELS.__getitem__, help=help, **options)
    options = keyed("study_prunes", now.prunes, lambda value: choose(prunes=value))
    st.toggle("End bad trials early", help=f"This {PRUNERS['median']}.", **options)
    return chosen(e)


def _variation_control(name: str, values: tuple[Any, ...], e: Experiment) -> None:
    spec = FIELDS[name]
    if has_range(name):
        low, high = values
        steps = sorted({*spec.steps, low, high})
        from_column, to_column = st.columns(2)
        options = keyed(f"study_{name}_from", low, lambda value: _vary(name, (value, _space()[name][1])))
        help = "The lower end of what is searched. If both ends are far apart, equal factors are equally likely."
        from_column.selectbox(f"{spec.label} from", steps, format_func=spec.text, help=help, **options)
        options = keyed(f"study_{name}_to", high, lambda value: _vary(name, (_space()[name][0], value)))
        to_column.selectbox(f"{spec.label} to", steps, format_func=spec.text, help="The upper end.", **options)
    else:
        known = dict.fromkeys((*fields_to_vary(e)[name], *values))
        show = lambda value: text_of(name, value, e)  # noqa: E731
        options = keyed(f"study_{name}", list(values), partial(_vary, name))
        st.multiselect(f"{spec.label}: values", list(known), format_func=show, help="What is tried.", **options)


def _slider(label: str, name: str, values: Any, now: Setup, help: str) -> None:
    act = lambda value: choose(**{name: value})  # noqa: E731
    value = getattr(now, name)
    options = keyed(f"study_{name}", value, act, default={"value": value})  # else a held arrow key would lose steps
    st.select_slider(label, values, help=help, **options)


def text_of(name: str, value: Any, e: Experiment) -> str:
    """A value as the page writes it."""
    if isinstance(value, list | tuple):
        return "-".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.3g}" if isinstance(value, float) else FIELDS[name].text(value, e)
