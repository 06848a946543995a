"""The charts of the page Runs: curves, a figure over a setting, parallel coordinates, and two runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from data.counted import counted, tied
from lab.experiment.fields import DEFAULTS, FIELDS
from lab.store.kept_run import KeptRun
from lab.store.shared import shared
from lab.training.spread import spread
from ui.figures.run_charts import Axis, Line, Mark, overlay, parallel, plain, scatter
from ui.figures.theme import Theme
from ui.kit.charts import chart, charts, theme
from ui.kit.escape import escape_markdown
from ui.kit.page_parts import table
from ui.runs import listing
from ui.runs.listing import Runs
from ui.runs.table import differing, figure_text, names_of, parent_text, picture, value_text
from ui.session.run_list import CHARTS, FIGURES, PARENT

MAX_AXES = 8  # of parallel coordinates, besides the loss
PICTURE_PX = 160


def compare(runs: Runs, are_chosen: bool) -> None:
    """The chart that is chosen. runs: without curves; are_chosen: by a person, or else the first of the list."""
    now = listing.listed()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        help = "Curves over the epochs, the loss over one setting, all settings at once, or two runs side by side."
        options = {"format_func": CHARTS.__getitem__, "required": True, "help": help}
        st.segmented_control("Show", list(CHARTS), **options, **listing.sets("chart"))
        with st.container(width=220):
            _choices(now.chart, runs)
    if not are_chosen and len(runs) > 1:
        st.caption(f"The first {len(runs)} of the list; choose runs in the table to compare them alone.")
    match now.chart:
        case "curves":
            _curves(runs, now.by)
        case "scatter":
            _scatter(runs, _x_of(runs, now.x))
        case "parallel":
            _parallel(runs)
        case "pair":
            _pair(runs)


def _choices(shown: str, runs: Runs) -> None:
    fields = [name for name in differing(runs) if name not in ("points", "own")]
    if shown == "curves":
        now = listing.listed().by
        names = list(dict.fromkeys(["", PARENT, *fields, now]))
        label = lambda name: {"": "Nothing", PARENT: "Group or study"}.get(name) or FIELDS[name].label  # noqa: E731
        help = "Runs with the same value are one line: their median, with a band from the first to the third quartile."
        st.selectbox("Group by", names, format_func=label, help=help, **listing.sets("by"))
    elif shown == "scatter" and fields:
        x = _x_of(runs, listing.listed().x)
        names = list(dict.fromkeys([*fields, x]))
        options = listing.keyed("runs_x", x, lambda value: listing.show(x=value))
        label = lambda name: FIELDS[name].label  # noqa: E731
        st.selectbox("Setting", names, format_func=label, help="The setting on the horizontal axis.", **options)


def _x_of(runs: Runs, given: str) -> str:
    """The given field, or else the one with the most values."""
    fields = [name for name in differing(runs) if name not in ("points", "own")]
    count = lambda name: len({getattr(run.experiment, name) for run in runs})  # noqa: E731
    return given or max(fields, key=count, default="learning_rate")


# Curves ---------------------------------------------------------------------------------------------------------------


def group_of(run: KeptRun, by: str) -> str:
    """The name of the group of a run; empty where it is in none."""
    if by == PARENT:
        return parent_text(run.parent)
    return f"{FIELDS[by].label} {value_text(run, by)}" if by else ""


def curves_figure(runs: Runs, by: str, theme: Theme) -> go.Figure:
    names = names_of(runs)
    if by in DEFAULTS:  # groups in the order of their values
        runs = tuple(sorted(runs, key=lambda run: _place(run, by)))
    lines = [
        Line(plain(names[run.id]), run.curve.epochs, run.curve.loss, run.diverged, plain(group_of(run, by)))
        for run in runs
    ]
    return overlay(lines, label=listing.loss_label(runs), spread=spread, theme=theme)


def _curves(runs: Runs, by: str) -> None:
    label, figure = listing.loss_label(runs), _drawn_curves(tuple(run.id for run in runs), by, theme())
    st.markdown(sentence(runs))
    chart(figure, "runs_curves", f"{label.capitalize()} of {counted(len(runs), 'run')}, over the epochs")


@lru_cache(maxsize=16)  # what is kept does not change, and most script runs of the page show the same curves again
def _drawn_curves(ids: tuple[str, ...], by: str, theme: Theme) -> go.Figure:
    return curves_figure(shared().load(ids), by, theme)


def sentence(runs: Runs) -> str:
    """The result in words."""
    best, label, names = listing.lowest(runs), listing.loss_label(runs), names_of(runs)
    lost = sum(run.diverged for run in runs)
    ends = f" {lost} of {len(runs)} diverged." if lost else ""
    if best is None:
        return "No run has ended with a finite loss." + ends
    same = tied([run.loss for run in runs if not run.diverged], best.loss, "run")
    return f"The lowest {label} after training is **{best.loss:.4g}**: {escape_markdown(names[best.id])}{same}.{ends}"


# Settings -------------------------------------------------------------------------------------------------------------


def scatter_figure(runs: Runs, field: str, theme: Theme) -> go.Figure:
    names = names_of(runs)
    marks = [
        Mark(plain(names[run.id]), _place(run, field), None if run.diverged else run.loss, run.id)
        for run in runs if run.diverged or run.loss is not None
    ]  # fmt: skip
    return scatter(marks, x=FIELDS[field].label, y=listing.loss_label(runs), theme=theme)


def _place(run: KeptRun, field: str) -> float | str:
    """A number of the experiment, or a text."""
    value = getattr(run.experiment, field)
    return value if type(DEFAULTS[field]) in (int, float) else plain(value_text(run, field))


def _scatter(runs: Runs, field: str) -> None:
    label, setting = listing.loss_label(runs), FIELDS[field].label
    st.markdown(sentence(runs))
    alt = f"{label.capitalize()} over {setting} of {counted(len(runs), 'run')}; diverged ones are above the others"
    chart(scatter_figure(runs, field, theme()), "runs_scatter", alt, on_pick=_choose_picked)


def _choose_picked(id: Any) -> None:
    """A mark that is clicked chooses its run, or no longer."""
    chosen = listing.listed().ids
    if isinstance(id, str):
        listing.show(ids=tuple(i for i in chosen if i != id) if id in chosen else (*chosen, id))


def parallel_figure(runs: Runs, theme: Theme) -> go.Figure:
    fields = [name for name in differing(runs) if name not in ("points", "own", "device")][:MAX_AXES]
    axes = [Axis(FIELDS[name].label, [_place(run, name) for run in runs]) for name in fields]
    losses = [None if run.diverged or run.loss is None else run.loss for run in runs]
    return parallel([*axes, Axis(listing.loss_label(runs).capitalize(), losses)], theme=theme)


def _parallel(runs: Runs) -> None:
    if not differing(runs):
        st.info("These runs have the same settings.")
        return
    st.markdown(sentence(runs))
    st.caption("Drag along an axis to brush a range; click it to see all runs again. The table shows the same figures.")
    label = listing.loss_label(runs)
    alt = f"Settings and {label} of {counted(len(runs), 'run')}, one line each; diverged ones end above the others"
    chart(parallel_figure(runs, theme()), "runs_parallel", alt)


# Two runs -------------------------------------------------------------------------------------------------------------


def _pair(runs: Runs) -> None:
    if len(runs) != 2 or len(runs := shared().load(run.id for run in runs)) != 2:
        st.info("Choose exactly two runs in the table.")
        return
    names = names_of(runs)
    st.markdown(pair_sentence(runs))
    *pictures, right = st.columns([1, 1, 2])
    for column, run, at in zip(pictures, runs, ("A", "B"), strict=True):
        with column:
            st.markdown(f"**{at}**: {escape_markdown(names[run.id])}")
            if run.thumbnail:
                name = f"Picture of run {at}"
                st.image(picture(run.thumbnail, theme()), width=PICTURE_PX, alt=name)
    with right:
        rows = [[escape_markdown(text) for text in row] for row in differences(runs)]
        table(("", "A", "B"), rows)
    figure = curves_figure(runs, "", theme())
    label = listing.loss_label(runs)
    charts("runs_pair", {f"{label.capitalize()} of both runs, over the epochs": figure})


def differences(runs: Runs) -> list[tuple[str, str, str]]:
    """What differs between two runs: settings, then figures, then where they were computed."""
    first, second = runs
    found = [(FIELDS[name].label, value_text(first, name), value_text(second, name)) for name in differing(runs)]
    found += [(FIGURES[name], figure_text(first, name), figure_text(second, name)) for name in FIGURES]
    found += [("Status", first.status, second.status)]
    keys = dict.fromkeys((*first.machine, *second.machine))
    found += [(key.capitalize(), first.machine.get(key, ""), second.machine.get(key, "")) for key in keys]
    count = lambda run: str(len(run.replay.changes)) if run.replay else "cannot be repeated"  # noqa: E731
    found += [("Changes while it trained", count(first), count(second))]
    settings = len(differing(runs))
    return [row for number, row in enumerate(found) if number < settings or row[1] != row[2]]


def pair_sentence(runs: Sequence[KeptRun]) -> str:
    """What differs in the settings of two runs, and which one has the lower loss."""
    fields = [FIELDS[name].label for name in differing(runs)]
    what = f"They differ in {escape_markdown(', '.join(fields))}." if fields else "They have the same settings."
    best = listing.lowest(tuple(runs))
    if best is None or runs[0].loss == runs[1].loss:
        return what
    which = "A" if best is runs[0] else "B"
    return f"{what} {which} ends with the lower {listing.loss_label(tuple(runs))}, {best.loss:.4g}."
