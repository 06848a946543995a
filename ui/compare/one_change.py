"""One change: pairs of runs that differ in one setting only, from epoch 0 on or from where the run is now."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from lab.experiment.errors import SentenceError
from lab.experiment.experiment import Experiment
from lab.experiment.fields import FIELDS, LIVE
from lab.experiment.group import Group, present_value, values_of
from lab.experiment.replay import Replay, packed, unpacked
from lab.experiment.rules import as_text
from lab.training.spread import spread
from ui.compare import parts
from ui.compare.outcomes import Outcomes
from ui.compare.pair import kept
from ui.compare.statistics import Verdict, compare_pairs
from ui.figures.spread import bands
from ui.kit.charts import charts, theme
from ui.kit.escape import escape_markdown
from ui.session import state
from ui.session.comparison import Comparison

BEGINNINGS = ("first", "now")
NO_REPLAY = "This run cannot be forked: it began with the weights of a file, or was changed too often to be repeated."
DIVERGED = "This run has diverged, so that no change can follow. Reset it, or begin at epoch 0."
TOO_LONG = "This run cannot be forked: its changes and points are more than a link can hold."


def choose(e: Experiment) -> dict[str, Any]:
    fork = parts.fork()
    field = parts.field_box(e, "compare_changed", "l2", among=LIVE if fork else FIELDS)
    value = present_value(field, e)
    others = [other for other in values_of(field, e) if other != value]
    show = lambda other: parts.text_of(field, other, e)  # noqa: E731
    help = f"Yours is {parts.text_of(field, value, e)}."
    usual = next((other for other in others if (field, other) == ("l2", 0.001)), others[0])
    shown = next((other for other in others if as_text(other) == parts.chosen().value), usual)
    act = lambda now, other: now._replace(value=as_text(other))  # noqa: E731
    options = parts.chooses(f"compare_to_{field}", shown, act, others)
    other = st.selectbox("Changed to", others, format_func=show, help=help, **options)
    _choose_beginning(fork)
    return {"field": field, "values": (value, other), "start": fork}


def _choose_beginning(fork: Replay | None) -> None:
    """Whether both begin at epoch 0, or as the visitor's run is at the moment of the press."""
    epoch = state.status().get("epoch", 0)
    names = {"first": "Epoch 0", "now": f"Epoch {fork.epochs} of your run" if fork else f"Now: epoch {epoch}"}
    help = "From now: both take over your run as it is, with its weights, optimizer and random numbers, and go on."
    options = parts.chooses("compare_begin_at", BEGINNINGS[bool(fork)], _begun_at, BEGINNINGS)
    st.segmented_control("Begin at", BEGINNINGS, format_func=names.__getitem__, required=True, help=help, **options)
    if fork:
        if epoch != fork.epochs:
            help = "Takes over your run as it is now."
            st.button(f"Fork at epoch {epoch}", key="compare_fork", on_click=_fork_again, help=help)
        st.caption("A trained network can take other training settings and stop rules. Another width, data, loss or "
                   "optimizer makes another network, which begins at epoch 0.")  # fmt: skip
    if problem := state.notes().pop("compare_no_fork", ""):
        st.warning(problem)


def _begun_at(now: Comparison, beginning: str) -> Comparison:
    if beginning == "first":
        return now._replace(start="")
    try:
        return now._replace(start=fork_now())
    except SentenceError as problem:
        state.notes()["compare_no_fork"] = str(problem)
        return now


def _fork_again() -> None:
    parts.choose(_begun_at(parts.chosen(), "now"))


def fork_now() -> str:
    """The replay of the visitor's run up to now, packed. Raises SentenceError."""
    header, _ = state.ask("replay")
    if header["status"] == "diverged":
        raise SentenceError(DIVERGED)
    if not header["replay"]:
        raise SentenceError(NO_REPLAY)
    values = header["replay"]
    if header["status"] == "stopped":  # as Play would
        values["changes"].append({"step": values["steps"], "resume": True})
    replay = Replay.from_values(values, Experiment.from_valid_values(values["experiment"]))
    text = packed(replay)
    if unpacked(text) != replay:
        raise SentenceError(TOO_LONG)
    return text


def pair(group: Group) -> tuple[int, int]:
    """The numbers of the runs that are shown side by side."""
    return 0, 1


def draw(found: Outcomes) -> None:
    group, e = found.group, found.group.experiment
    label = parts.figure_label(group)
    names = [parts.name_of(group, place) for place in range(2)]
    pairs = len(found.of(1))
    if not pairs:
        return
    worse = parts.worse(group)
    verdict = compare_pairs(worse * parts.finals(found, 0)[:pairs], worse * parts.finals(found, 1))
    st.markdown(sentence(found, names, verdict))
    spreads = {name: spread(parts.series(found, place), worse) for place, name in enumerate(names)}
    alt = f"{label.capitalize()} of {pairs} pairs of runs, {names[0]} in gray: {names[1]} is in color"
    figure = bands(spreads, label=label, part=group.part, theme=theme(), first_epoch=group.first_epoch)
    charts("compare_pairs", {alt: figure})
    help = "Changes your experiment in the same way."
    parts.take_button(f"Use {names[1]}", "compare_use", e, help, **{group.field: group.values[1]})


def sentence(found: Outcomes, names: list[str], verdict: Verdict) -> str:
    """The verdict in words, and what could not be kept equal."""
    group = found.group
    before, after = (escape_markdown(name) for name in names)
    pairs = verdict.better + verdict.worse + verdict.equal
    medians = [parts.number(float(np.median(parts.finals(found, place)[:pairs]))) for place in (0, 1)]
    better, worse = ("lower", "higher") if group.figure == "loss" else ("higher", "lower")
    text = f"With **{after}** instead of {before}"
    text += f" from epoch {group.first_epoch} on" if group.first_epoch else ""
    text += f", **{verdict.better} of {pairs}** pairs of runs end with a {better} "
    text += f"{parts.figure_label(group)}, {verdict.worse} with a {worse} one"
    text += f" and {verdict.equal} with the same" if verdict.equal else ""
    text += f" (medians {medians[1]} and {medians[0]}). "
    if verdict.is_clear:
        word = "better" if verdict.better > verdict.worse else "worse"
        text += (
            f"That is **clearly {word}**: chance alone would be as one-sided in {_percent(verdict.chance)} of cases. "
        )
    else:
        text += f"**{pairs} pairs cannot tell**: chance alone would be as one-sided in {verdict.chance:.0%} of cases. "
    return text + kept([group.field], group.first_epoch).replace("They", "The runs of a pair", 1)


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "less than 0.1%"
