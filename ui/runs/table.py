"""The table of kept runs, as plain data for its component: by default only the columns that differ."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from data.counted import counted
from data.names import unique
from lab.experiment.fields import DEFAULTS, FIELDS
from lab.store.kept_run import KeptRun, Thumbnail
from ui.components import PLOTLY, script, styles
from ui.figures.theme import Theme
from ui.kit.inline_picture import map_url
from ui.kit.widgets import keyed
from ui.session import state
from ui.session.run_list import FIGURES, PARENT

MAX_NAME = 80  # characters of the name of a run
STUDY_DIGITS = re.compile("([0-9a-f]{5})[0-9a-f]{7}(-[0-9a-f]{12})?$")  # at the end of a study's name
ALWAYS = ("epoch", "loss", "test_score")  # figures that are shown whether they differ or not


def differing(runs: Sequence[KeptRun]) -> list[str]:
    """The fields of the experiments that are not the same in all runs."""
    return [name for name in FIELDS if len({getattr(run.experiment, name) for run in runs}) > 1]


def value_text(run: KeptRun, field: str) -> str:
    """A value of the experiment as the page writes it."""
    value = getattr(run.experiment, field)
    if field == "hidden":
        return "-".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)[:60]


def figure_text(run: KeptRun, figure: str) -> str:
    value = figure_of(run, figure)
    if figure == "loss" and run.diverged:
        return "diverged"
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def figure_of(run: KeptRun, figure: str) -> Any:
    """A figure by its name; None where it is missing."""
    return getattr(run.last, figure) if figure in run.last._fields else getattr(run, figure)


def names_of(runs: Sequence[KeptRun]) -> dict[str, str]:
    """A name of each run: what sets it apart from the others, and where that is not enough a number."""
    fields = [name for name in differing(runs) if name not in ("points", "own")]

    def name(run: KeptRun) -> str:
        settings = ", ".join(f"{FIELDS[field].label} {value_text(run, field)}" for field in fields)
        return settings[:MAX_NAME] or f"{run.experiment.dataset}, {counted(run.epoch, 'epoch')}"

    return dict(zip([run.id for run in runs], unique([name(run) for run in runs]), strict=True))


def when(run: KeptRun) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(run.created))


def parent_text(parent: str) -> str:
    """Of a study without most of its digits: study moons-tpe-e1d4f."""
    kind, _, name = parent.partition(":")
    if kind == "study":
        name = STUDY_DIGITS.sub(r"\1", name)
    return f"{kind} {name}" if name else parent


def columns_of(runs: Sequence[KeptRun], everything: bool) -> list[dict[str, Any]]:
    """The columns: settings that differ (or all), figures, and what a person has written."""
    fields = list(FIELDS) if everything else differing(runs)
    number = lambda name: type(DEFAULTS[name]) in (int, float)  # noqa: E731
    found = [_column(name, FIELDS[name].label, number(name)) for name in fields if name not in ("points", "own")]
    for figure in FIGURES:
        values = {figure_of(run, figure) for run in runs}
        if figure in ALWAYS or (everything and values != {None}):
            found.append(_column(figure, FIGURES[figure], True))
    if len({run.status for run in runs}) > 1 or everything:
        found.append(_column("status", "Status", False))
    if any(run.parent for run in runs):
        found.append(_column(PARENT, "Group", False))
    found.append(_column("created", "Kept (UTC)", False))
    for name, label in (("tags", "Tags"), ("note", "Note")):
        if any(getattr(run, name) for run in runs):
            found.append({**_column(name, label, False), "sorts": False})
    return found


def _column(name: str, label: str, number: bool) -> dict[str, Any]:
    return {"name": name, "label": label, "sorts": True, "number": number}


def cell(run: KeptRun, column: str) -> str:
    match column:
        case "created":
            return when(run)
        case "status":
            return run.status
        case "parent":
            return parent_text(run.parent)
        case "tags":
            return ", ".join(run.tags)
        case "note":
            return run.note
    return figure_text(run, column) if column in FIGURES else value_text(run, column)


def show(runs: Sequence[KeptRun], pictures: Mapping[str, Thumbnail], columns: Sequence[dict[str, Any]], *,
         keeper: str, sort: str, descending: bool, chosen: Sequence[str], handled: int, act: Any,
         theme: Theme) -> None:  # fmt: skip
    """The table. act: called with what a person has done. Without a server there is a plain one, and a list."""
    names = names_of(runs)
    if not state.runs().live:
        listed = [{"Run": names[run.id]} | {c["label"]: cell(run, c["name"]) for c in columns} for run in runs]
        st.dataframe(listed, hide_index=True)
        options = keyed("runs_chosen", list(chosen), lambda ids: act({"chosen": ids, "at": 0}))
        st.multiselect("Chosen runs", list(names), format_func=names.__getitem__, **options)
        return
    rows = [
        {
            "id": run.id, "label": names[run.id], "cells": [cell(run, column["name"]) for column in columns],
            "picture": picture(pictures[run.id], theme) if run.id in pictures else "",
            "star": run.star, "own": run.owner == keeper,
        }
        for run in runs
    ]  # fmt: skip
    data = {"caption": "Kept runs", "columns": columns, "rows": rows, "sort": sort, "descending": descending,
            "chosen": list(chosen), "handled": handled, "empty": "No run matches this search.",
            "plotly": PLOTLY}  # fmt: skip
    _component()(key="runs_table", data=data, on_event_change=lambda: act(st.session_state["runs_table"].get("event")))


def picture(small: Thumbnail, theme: Theme) -> str:
    """A thumbnail as a PNG in a data URL."""
    return map_url(small.levels, small.kind, theme)


@lru_cache
def _component() -> Any:
    html = '<div class="runs" role="region" aria-label="Kept runs" tabindex="0"></div><p class="runs-empty"></p>'
    css, js = styles("runs/table.css"), script("runs/table.js", served=True)
    return component("runs_table", html=html, css=css, js=js, isolate_styles=False)
