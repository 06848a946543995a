"""What one visitor has: an experiment, a run of it, and a view. The only module that names session_state keys.

The experiment is the state. Widgets are drawn from it and write a changed one back; the address bar follows it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import streamlit as st

from lab import pool
from lab.experiment import Experiment, ExperimentError
from lab.run import SPEEDS

VIEW = {"speed": "epoch", "show_test": True, "discretize": False}  # rides in the link, is no part of the experiment


@st.cache_resource
def _local_pool() -> pool.LocalPool:
    return pool.LocalPool()


def runs() -> pool.Pool:
    """The server's workers, or this process where the page runs without the server."""
    return pool.SERVER or _local_pool()


def begin() -> None:
    """Once a session: read the link. Then, on every script run: make sure that there is a run."""
    try:
        _begin()
    except pool.Unreachable as problem:
        st.error(f"{problem} Your settings are in the address bar: reload the page in a moment.")
        st.stop()


def look_again() -> None:
    """For a part of the page that is drawn alone: what happened since, and whether the rest must be drawn too."""
    state = st.session_state
    if state.get("redraw"):
        state.redraw = False
        st.rerun()
    if not state.token or not _alive(state.token):
        st.rerun()


def _begin() -> None:
    state = st.session_state
    state.redraw = False
    if "experiment" not in state:
        query = st.query_params.to_dict()
        state.experiment, state.refused = Experiment.from_query(query)
        state.view = _view_from(query, state.refused)
        state.token = ""
    if not state.token or not _alive(state.token):
        _open()
        _alive(state.token)


def _view_from(query: Mapping[str, str], refused: list[str]) -> dict[str, Any]:
    view = dict(VIEW)
    allowed = {"speed": tuple(SPEEDS), "show_test": ("true", "false"), "discretize": ("true", "false")}
    for name in VIEW.keys() & query.keys():
        if query[name] in allowed[name]:
            view[name] = query[name] if name == "speed" else query[name] == "true"
        else:
            refused.append(f"{name}: {query[name][:40]} is not allowed; allowed: one of {', '.join(allowed[name])}.")
    return view


def _open() -> None:
    state = st.session_state
    try:
        state.token = runs().open(state.experiment, state.view["speed"])
    except ExperimentError as problem:  # this machine cannot run it: the device is missing
        state.refused = [*state.refused, *problem.sentences]
        state.experiment = state.experiment.change(device="cpu")
        state.token = runs().open(state.experiment, state.view["speed"])


def _alive(token: str) -> bool:
    _presence(token)
    try:
        st.session_state.status = runs().status(token)
    except pool.Gone:
        return False
    return True


@st.cache_resource(scope="session", show_spinner=False, on_release=lambda token: _left(token))
def _presence(token: str) -> str:
    """Lives as long as the visitor's connection: when Streamlit releases it, the run may be freed after a while."""
    if isinstance(workers := runs(), pool.WorkerPool):
        workers.back(token)
    return token


def _left(token: str) -> None:
    if isinstance(workers := runs(), pool.WorkerPool):
        workers.away(token, time.monotonic())


# Reading -------------------------------------------------------------------------------------------------------------


def experiment() -> Experiment:
    return st.session_state.experiment


def view() -> dict[str, Any]:
    return st.session_state.view


def token() -> str:
    return st.session_state.token


def status() -> dict[str, Any]:
    """status, notice and epoch of the run, as they were when this script run began."""
    return st.session_state.status


def refused() -> list[str]:
    """Sentences about what was not accepted, from the link or from the last change."""
    return st.session_state.refused


def notes() -> dict[str, Any]:
    """What a page remembers between its script runs, such as a landscape that it has asked for."""
    return st.session_state.setdefault("notes", {})


def ask(
    question: str, /, arrays: Mapping[str, Any] | None = None, **facts: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer (header, arrays) of the visitor's network to one of lab/questions.py. Raises like runs().status."""
    return runs().ask(token(), question, facts, arrays)


# Changing ------------------------------------------------------------------------------------------------------------


def change(**fields: Any) -> None:
    """Change fields of the experiment. The live ones reach the running network; any other builds anew."""
    state = st.session_state
    before = state.refused
    try:
        changed = state.experiment.change(**fields)
        runs().change(state.token, changed)
    except ExperimentError as problem:
        state.refused = problem.sentences
    except pool.Unreachable as problem:
        state.refused = [str(problem)]
    except pool.Gone:
        state.experiment, state.refused, state.token = changed, [], ""
    else:
        state.experiment, state.refused = changed, []
    state.redraw = state.refused != before


def change_from(field: str, widget: str) -> None:
    """A widget's on_change: fold its value into the experiment."""
    change(**{field: st.session_state[widget]})


def change_view(field: str, widget: str) -> None:
    state = st.session_state
    state.view = {**state.view, field: state[widget]}
    if field == "speed":
        command("pace", state.view["speed"])


def command(verb: str, *arguments: Any) -> None:
    """play, pause, step, reset or pace. A run that is gone is opened again by the script run that follows."""
    try:
        getattr(runs(), verb)(token(), *arguments)
    except pool.Unreachable as problem:
        st.session_state.refused, st.session_state.redraw = [str(problem)], True
    except pool.Gone:
        st.session_state.token = ""


def write_link() -> None:
    """The address bar is the save button."""
    chosen = {name: str(value).lower() for name, value in view().items() if value != VIEW[name]}
    query = {**experiment().to_query(), **chosen}
    if st.query_params.to_dict() != query:
        st.query_params.from_dict(query)
