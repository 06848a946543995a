"""One setting: the result for each of its values."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from data.counted import tied
from lab.experiment.experiment import Experiment
from lab.experiment.fields import FIELDS
from lab.experiment.group import values_of
from lab.training.spread import best_place
from ui.compare import parts
from ui.compare.maps import choose_map
from ui.compare.outcomes import Outcomes
from ui.figures.spread import response
from ui.kit.charts import chart, theme
from ui.kit.escape import escape_markdown
from ui.kit.inline_picture import map_url


def choose(e: Experiment) -> dict[str, Any]:
    field = parts.field_box(e, "compare_setting", "learning_rate")
    return {"field": field, "values": values_of(field, e)}


def draw(found: Outcomes) -> None:
    group, e = found.group, found.group.experiment
    places = [place for place in range(len(group.values)) if len(found.of(place))]
    names = [parts.text_of(group.field, group.values[place], e) for place in places]
    quartiles = np.stack([parts.quartiles(found, place) for place in places], axis=1)
    diverged = [parts.diverged(found, place) for place in places]
    present = parts.present_place(group)
    best = best_place(quartiles[1], parts.worse(group), present)
    st.markdown(sentence(found, names, quartiles[1], diverged, best, present))
    label, setting = parts.figure_label(group), FIELDS[group.field].label
    counts = [len(found.of(place)) for place in places]
    figure = response(names, quartiles, diverged, counts, label=label, part=group.part, present=present,
                      is_ordered=bool(FIELDS[group.field].steps), theme=theme())  # fmt: skip
    alt = f"{label.capitalize()} after {group.epochs} epochs for each value of {setting}; a click takes a value"
    chart(figure, "compare_response", alt, on_pick=lambda place: parts.take_place(group, place))
    if found.maps is not None and len(found.maps) >= len(places):
        maps = [map_url(found.maps[place], found.encoding, theme()) for place in places]
        pictures = {str(place): (f"{setting} {names[place]}: its first run", maps[place]) for place in places}
        choose_map(pictures, str(present), lambda name: parts.take_place(group, name))
    if np.isfinite(quartiles[1][best]):
        help = f"Sets {setting} to the value with the {parts.superlative(group)} median."
        fields = {group.field: group.values[best]}
        parts.take_button(f"Use {setting} {names[best]}", "compare_use", e, help, **fields)


def sentence(found: Outcomes, names: list[str], medians: np.ndarray, diverged: list[int], best: int,
             present: int | None) -> str:  # fmt: skip
    """The result in words."""
    group = found.group
    setting, label = FIELDS[group.field].label, parts.figure_label(group)
    if not np.isfinite(medians[best]):
        return "Most runs diverged with every value."
    count = min(len(found.of(place)) for place in range(len(names)))
    runs = f"Median of {count} runs of" if count > 1 else "One run of"
    text = f"{runs} {group.epochs} epochs: the {parts.superlative(group)} {label} is **{medians[best]:.3g}**, "
    text += f"with {escape_markdown(setting)} **{escape_markdown(names[best])}**{tied(medians, medians[best], 'value')}"
    if present is not None and present < len(medians) and medians[present] != medians[best]:
        text += f"; yours, {escape_markdown(names[present])}, has {parts.number(float(medians[present]))}"
    failed = [names[place] for place, count in enumerate(diverged) if count]
    return text + (f". Runs diverged with {escape_markdown(', '.join(failed))}." if failed else ".")
