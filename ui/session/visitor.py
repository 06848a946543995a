"""A visitor and the life of their run: who arrives, how a run is opened, and when it may be freed.

Nothing here knows where the record is kept: that is ui/session/state.py.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from lab.experiment import link
from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.own_data import is_gone
from lab.experiment.presets import PRESETS
from lab.experiment.rules import as_text, short
from lab.protocol.errors import Fallen, Gone
from lab.protocol.messages import RunState
from lab.server import pool
from lab.server.pool import Pool
from lab.worker.local_pool import LocalPool
from ui.session import waiting
from ui.session.lockable_parts import lesson_holds
from ui.session.view import VIEW, view_from
from ui.streamlit_compat.connection import until_disconnected

MOST_NAMED = 5  # unknown fields of a link
TRACKING = ("utm_", "fbclid", "gclid", "msclkid")  # words that mail and social networks add to a link


@dataclass
class Visitor:
    experiment: Experiment
    view: dict[str, Any]
    refused: list[str]  # sentences about what was not accepted, from the link or from the last change
    token: str = ""  # of the run; none: it is opened by the script run that follows
    run: RunState | None = None  # as its worker saw it when this script run began
    redraw: bool = False  # whether a part of the page that is drawn alone has changed the rest, too
    handled: int = 0  # number of the last event of the live view that was carried out
    ticket: str = field(default_factory=secrets.token_urlsafe)  # for a place in line where the server is full
    preset: str = ""  # the name of the preset that the experiment began as
    task: Experiment | None = None  # that of the author's link, where the author has prepared the page for students
    owner: str = field(  # their name on lab.experiment.own_data.UPLOADS; without a cookie, that of this session
        default_factory=lambda: waiting.visitor() or secrets.token_urlsafe(16)
    )
    missing: dict[str, str] = field(default_factory=dict)  # the link whose uploaded data is not on this server, if so
    widget_versions: dict[str, tuple[Any, int]] = field(default_factory=dict)  # name -> value, number of other changes
    notes: dict[str, Any] = field(default_factory=dict)  # what parts of the page remember beside the experiment


def arrived() -> Visitor:
    """Who comes with the link in the address bar."""
    query, damaged, task = st.query_params.to_dict(), [], None
    try:
        if link.FIELD in query:
            task = _task(link.expanded({link.FIELD: query[link.FIELD]}))
        query = link.expanded(query)
    except ExperimentError as problem:
        damaged = problem.sentences
        del query[link.FIELD]
    missing = {name: query[name] for name in Experiment.model_fields if name in query} if _names_gone(query) else {}
    given = _without_data(query) if missing else query
    experiment, refused, notes = Experiment.with_notes_from_query(given)
    if missing:
        refused, notes = [], []  # said when the settings meet their data
    view = view_from(query, refused)
    me = Visitor(experiment, view, damaged + notes + refused + unknown(query), task=task, missing=missing)
    if not missing:
        begin_with(me)
    return me


def begin_with(me: Visitor) -> None:
    """The experiment is the one of the link."""
    me.preset = preset_of(me.experiment)
    if not lesson_holds(me.view):
        me.task = None
    elif me.task is None or is_gone(me.task.dataset, me.task.own):
        me.task = me.experiment


def _task(query: Mapping[str, str]) -> Experiment | None:
    """The experiment of the short part of a link: what is beside it are a student's changes, see state.link."""
    return None if _names_gone(query) else Experiment.from_query(query)[0]


def preset_of(experiment: Experiment) -> str:
    """The name of the preset that this is, except the one that everyone begins with."""
    return next((name for name, p in PRESETS.items() if p.experiment == experiment != Experiment()), "")


def _names_gone(query: Mapping[str, str]) -> bool:
    return is_gone(query.get("dataset", ""), query.get("own", ""))


def _without_data(query: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in query.items() if name not in ("dataset", "own")}


def lose_data(me: Visitor) -> None:
    """The uploaded data of the experiment is gone: the settings wait for it, and nothing else is trained on."""
    me.missing = me.experiment.to_query()
    me.experiment, me.preset = Experiment.from_query(_without_data(me.missing))[0], ""


def find_data(me: Visitor, fields: Mapping[str, Any]) -> None:
    """The settings that wait for their data get it, or other data that a person has chosen, with these fields.

    Raises ExperimentError.
    """
    chosen = {name: as_text(fields[name]) for name in ("dataset", "own") if name in fields}
    experiment, refused, notes = Experiment.with_notes_from_query({**me.missing, **chosen})
    if chosen.get("own", me.missing["own"]) != me.missing["own"]:
        experiment = experiment.change(**fields)
    me.experiment, me.refused, me.missing = experiment, notes + refused, {}
    begin_with(me)


def unknown(query: Mapping[str, str]) -> list[str]:
    """A sentence about what means nothing in a link, old or mistyped; what others add to follow it is theirs."""
    names = [name for name in query if name not in Experiment.model_fields and name not in VIEW]
    names = [short(name) for name in names if not name.lower().startswith(TRACKING)]
    if not names:
        return []
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return [f"{', '.join(names[:MOST_NAMED])}{more}: unknown settings in the link, ignored."]


@st.cache_resource
def _local_pool() -> LocalPool:
    return LocalPool()


def runs() -> Pool:
    """The server's workers, or this process where the page runs without a server."""
    return pool.SERVER or _local_pool()


def have_a_run(me: Visitor) -> None:
    """Unless data is missing. Raises Full or Unreachable where none can be had now."""
    if me.missing and not _names_gone(me.missing):
        find_data(me, {})
    if me.token and alive(me):
        return
    if is_gone(me.experiment.dataset, me.experiment.own):
        lose_data(me)
    elif not me.missing:
        _open(me)
        alive(me)


def _open(me: Visitor) -> None:
    """Where this server cannot run it, the same on the CPU (the device is missing), or else the usual experiment."""
    for experiment in (me.experiment, me.experiment.change(device="cpu"), Experiment()):
        try:
            me.token = runs().open(experiment, me.view["speed"], waiting.visitor(), me.ticket)
        except ExperimentError as problem:
            me.refused = list(dict.fromkeys((*me.refused, *problem.sentences)))
        else:
            if me.task == me.experiment:
                me.task = experiment
            me.experiment = experiment
            return


def alive(me: Visitor) -> bool:
    """Whether the run is still there. The page shows the experiment that it trains, once no slider is being dragged."""
    _presence(me.token)
    try:
        me.run = runs().state(me.token)
    except Fallen as problem:  # the same again would fall again
        me.experiment, me.refused = Experiment(), problem.sentences
        return False
    except Gone:
        return False
    if not runs().is_previewing(me.token):
        me.experiment = me.run.experiment
    return True


@until_disconnected(lambda token: _left(token))
def _presence(token: str) -> str:
    """Lives as long as the visitor's connection: when Streamlit releases it, the run may be freed after a while."""
    if isinstance(workers := runs(), pool.WorkerPool):
        workers.back(token)
    return token


def _left(token: str) -> None:
    if isinstance(workers := runs(), pool.WorkerPool):
        workers.away(token, time.monotonic())
