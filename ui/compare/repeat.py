"""Repeat: how much the result depends on the random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from lab.experiment.experiment import Experiment
from lab.training.spread import spread
from ui.compare import parts
from ui.compare.agreement import MOST, agreement
from ui.compare.maps import choose_map
from ui.compare.outcomes import Outcomes
from ui.compare.statistics import interval, reached
from ui.figures.spread import bands
from ui.kit.charts import charts, theme
from ui.kit.inline_picture import as_data_url, map_url
from ui.kit.map_colors import signed
from ui.session import state

PICTURE_PX = 160


def choose(e: Experiment) -> dict[str, Any]:
    is_accuracy = e.source.kind == "classification"
    help = "The sentence beside the chart says how many runs reach it, and when."
    label = "Accuracy to reach" if is_accuracy else "R² to reach"
    st.number_input(label, 0.0, 1.0, step=0.01, help=help, **parts.sets("compare_target", "target"))
    return {}


def draw(found: Outcomes) -> None:
    group, target = found.group, parts.chosen().target
    label = parts.figure_label(group)
    losses = spread(found.losses)
    st.markdown(sentence(found, target))
    score = parts.score_name(group)
    figures = {
        f"{label.capitalize()} of all runs: median, quartiles and range": bands(
            {"": losses}, label=label, part=group.part, theme=theme()),
        f"{score.capitalize()} of all runs: median, quartiles and range": bands(
            {"": spread(found.scores, -1)}, label=score, part=group.part, theme=theme()),
    }  # fmt: skip
    charts("compare_bands", figures)
    if found.maps is not None and len(found.maps) > 1:
        _together(found.maps, found.encoding)
    _maps(found)


def sentence(found: Outcomes, target: float) -> str:
    """The result in words. All runs count; diverged ones as worse than any other."""
    group, total = found.group, len(found.status)
    _, q1, median, q3, _ = (float(values[-1]) for values in spread(found.losses))
    label, score = parts.figure_label(group), parts.score_name(group)
    folds = group.vary == "folds"
    text = f"**{total} folds**, each the validation part of one run of" if folds else f"**{total} runs**,"
    text += f" {group.epochs} epochs" + ("" if folds else " each")
    text += f": median {label} **{parts.number(median)}** (quartiles {parts.number(q1)} to {parts.number(q3)})"
    if folds:
        middle = float(spread(found.scores[:, -1], -1).median)
        text += f", median {group.part} {score} **{parts.number(middle)}**"
    text += f"; {found.diverged} diverged. " if found.diverged else "; none diverged. "
    epochs = reached(found.scores, target)
    count = int((epochs >= 0).sum())
    text += f"**{count} of {total}** reached {score} {target:g}"
    if not folds:  # whose runs share most of their examples, so that they say little about others
        low, high = interval(count, total)
        text += f" ({low:.0%} to {high:.0%} of all such runs)"
    return text + (f", half of those by epoch {int(np.median(epochs[epochs >= 0]))}." if count else ".")


def _together(maps: np.ndarray, encoding: str) -> None:
    """What all maps say together, and where they disagree."""
    together, disagreement, agreed = agreement(maps, encoding)
    pictures = {
        f"All {len(maps)} runs together": map_url(together, encoding, theme()),
        "Where they disagree": as_data_url(signed(disagreement, theme())),
    }
    with st.container(horizontal=True, vertical_alignment="center"):
        for caption, url in pictures.items():
            st.image(url, caption=caption, width=PICTURE_PX, alt=caption)
        st.markdown(f"On **{agreed:.0%}** of the map at least {MOST:.0%} of the runs say the same.", width="content")


def _maps(found: Outcomes) -> None:
    group, notes = found.group, state.notes()
    picked = min(int(notes.get("compare_picked", 0)), len(found.status) - 1)
    if found.maps is not None:
        pictures = {
            str(n): (f"Run {n + 1}: {parts.figure_label(group)} {parts.number(found.losses[n, -1])}",
                     map_url(map, found.encoding, theme()))
            for n, map in enumerate(found.maps)
        }  # fmt: skip
        choose_map(pictures, str(picked), _pick)
    member = group.members[picked].experiment
    changes = group.experiment.changed_fields(member)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        help = "The number of a run; its map has a frame."
        options = {"key": f"compare_run_{picked}", "help": help, "on_change": _typed, "args": (picked,), "width": 120}
        st.number_input("Run", 1, len(found.status), picked + 1, **options)
        known = f"{parts.figure_label(group)} {parts.number(found.losses[picked, -1])}, {found.status[picked]}"
        st.markdown(f"Run {picked + 1}: {known}.", width="content")
        help = "Makes it your run, with its random numbers. Restarts training."
        fields = {name: getattr(member, name) for name in (changes or {"weight_seed": 0, "seed": 0})}
        parts.take_button("Take this run", "compare_take_run", group.experiment, help, **fields)


def _pick(name: Any) -> None:
    if isinstance(name, str) and name.isdecimal():
        state.notes()["compare_picked"] = int(name)


def _typed(before: int) -> None:
    state.notes()["compare_picked"] = int(st.session_state[f"compare_run_{before}"]) - 1
