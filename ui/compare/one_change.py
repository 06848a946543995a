"""One change: pairs of runs that differ in one setting only."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from lab.experiment.experiment import Experiment
from lab.experiment.fields import FIELDS, LIVE
from lab.experiment.group import present_value, values_of
from lab.experiment.rules import as_text
from lab.protocol.messages import BYTE_SCALE
from lab.training.spread import spread
from ui.compare import parts
from ui.compare.outcomes import Outcomes
from ui.compare.statistics import Verdict, compare_pairs
from ui.figures.spread import bands
from ui.kit.charts import charts, theme
from ui.kit.escape import escape_markdown
from ui.kit.inline_picture import as_data_url
from ui.kit.map_colors import colored, signed

PICTURE_PX = 160


def choose(e: Experiment) -> dict[str, Any]:
    field = parts.field_box(e, "compare_changed", "l2")
    value = present_value(field, e)
    others = [other for other in values_of(field, e) if other != value]
    show = lambda other: parts.text_of(field, other, e)  # noqa: E731
    help = f"Yours is {parts.text_of(field, value, e)}."
    usual = next((other for other in others if (field, other) == ("l2", 0.001)), others[0])
    shown = next((other for other in others if as_text(other) == parts.chosen().value), usual)
    act = lambda now, other: now._replace(value=as_text(other))  # noqa: E731
    options = parts.chooses(f"compare_to_{field}", shown, act, others)
    other = st.selectbox("Changed to", others, format_func=show, help=help, **options)
    return {"field": field, "values": (value, other)}


def draw(found: Outcomes) -> None:
    group, e = found.group, found.group.experiment
    setting, label = FIELDS[group.field].label, parts.figure_label(group)
    names = [f"{setting} {parts.text_of(group.field, value, e)}" for value in group.values]
    pairs = len(found.of(1))
    if not pairs:
        return
    verdict = compare_pairs(parts.finals(found, 0)[:pairs], parts.finals(found, 1))
    st.markdown(sentence(found, names, verdict))
    spreads = {name: spread(found.losses[found.of(place)]) for place, name in enumerate(names)}
    alt = f"{label.capitalize()} of {pairs} pairs of runs, {names[0]} in gray: {names[1]} is in color"
    charts("compare_pairs", {alt: bands(spreads, label=label, part=group.part, theme=theme())})
    if found.maps is not None and len(found.maps) > 1:
        first, second = found.maps[0], found.maps[1]
        shown = [(name, colored(map, found.encoding, theme())) for name, map in zip(names, found.maps, strict=False)]
        if found.encoding == "value":
            change = (second.astype(np.float64) - first) / BYTE_SCALE
            shown.append(("what the change adds", signed(change, theme())))
        with st.container(horizontal=True):
            for name, colors in shown:
                caption = f"First pair: {escape_markdown(name)}"
                st.image(as_data_url(colors), caption=caption, width=PICTURE_PX, alt=name)
    help = "Changes your experiment in the same way."
    parts.take_button(f"Use {names[1]}", "compare_use", e, help, **{group.field: group.values[1]})


def sentence(found: Outcomes, names: list[str], verdict: Verdict) -> str:
    """The verdict in words, and what could not be kept equal."""
    group = found.group
    before, after = (escape_markdown(name) for name in names)
    pairs = verdict.better + verdict.worse + verdict.equal
    medians = [parts.number(float(np.median(parts.finals(found, place)[:pairs]))) for place in (0, 1)]
    text = f"With **{after}** instead of {before}, **{verdict.better} of {pairs}** pairs of runs end with a lower "
    text += f"{parts.figure_label(group)}, {verdict.worse} with a higher one"
    text += f" and {verdict.equal} with the same" if verdict.equal else ""
    text += f" (medians {medians[1]} and {medians[0]}). "
    if verdict.is_clear:
        word = "better" if verdict.better > verdict.worse else "worse"
        text += (
            f"That is **clearly {word}**: chance alone would be as one-sided in {_percent(verdict.chance)} of cases. "
        )
    else:
        text += f"**{pairs} pairs cannot tell**: chance alone would be as one-sided in {verdict.chance:.0%} of cases. "
    return text + _kept(group.field)


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "less than 0.1%"


def _kept(field: str) -> str:
    if field in LIVE and field != "batch_size":
        return "Both runs of a pair have the same data, initial weights and batches."
    if field == "batch_size":
        return "Both runs of a pair have the same data and initial weights; their batches cannot be equal."
    if FIELDS[field].group == "Data":
        return "The data of a pair differs, because this setting makes it."
    return "Both runs of a pair have the same data and batches; their initial weights may differ in number or kind."
