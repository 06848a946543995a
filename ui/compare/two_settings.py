"""Two settings: the result for each pair of their values, as tiles in rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from data.counted import tied
from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.fields import FIELDS
from lab.experiment.group import Group, present_value, values_of
from lab.training.spread import best_place
from ui.compare import parts, tiles
from ui.compare.maps import choose_tile
from ui.compare.outcomes import Outcomes
from ui.kit.charts import theme
from ui.kit.escape import escape_markdown
from ui.session import state

SIDE = 8  # tiles in a row or column at most
MOVING = "The runs train at the same time: each tile shows its current map and {}."


def choose(e: Experiment) -> dict[str, Any]:
    field = parts.field_box(e, "compare_across", "learning_rate", title="Across")
    field2 = parts.field_box(e, "compare_down", "batch_size", "field2", "Down", but=field)
    values = [v for v in _values(field, e) if _is_valid(e, **{field: v})]
    values2 = [w for w in _values(field2, e) if all(_is_valid(e, **{field: v, field2: w}) for v in values)]
    return {"field": field, "values": tuple(values), "field2": field2, "values2": tuple(values2)}


def _values(field: str, e: Experiment) -> tuple[Any, ...]:
    values = values_of(field, e)
    return thinned(values, values.index(present_value(field, e)))


def thinned(values: Sequence[Any], present: int, most: int = SIDE) -> tuple[Any, ...]:
    """At most `most` of the values, evenly spaced, including the one at place `present`."""
    if len(values) <= most:
        return tuple(values)
    places = np.linspace(0, len(values) - 1, most).round().astype(int)
    places[np.abs(places - present).argmin()] = present
    return tuple(values[place] for place in places)


def _is_valid(e: Experiment, **fields: Any) -> bool:
    try:
        return bool(e.change(**fields))
    except ExperimentError:
        return False


def draw(found: Outcomes) -> None:
    group, moves = found.group, state.runs().live and not found.ended
    medians, present = tiles.medians(found), parts.present_place(group)
    best = best_place(medians, parts.worse(group), present) if found.has_some else 0
    with st.container(key="compare_sentence"):  # at least two lines, so that the tiles do not move
        st.markdown(MOVING.format(parts.figure_label(group)) if moves else sentence(found, medians, best, present))
    across, down = ([parts.text_of(field, value, group.experiment) for value in values]
                    for field, values in ((group.field, group.values), (group.field2, group.values2)))  # fmt: skip
    labels = FIELDS[group.field].label, FIELDS[group.field2].label
    marked = state.notes().get("compare_marked") if st.session_state.get("compare_two") else None
    choose_tile(tiles.all_tiles(found, theme()), present, labels, across, down, marked,
                lambda place: _choose(group, place), lambda places: _compare(group, places),
                tiles.offer_name(found) if moves else "")  # fmt: skip
    label = parts.figure_label(group)
    with st.container(horizontal=True, vertical_alignment="center"):
        help = "While it is on, a press marks a tile, and a press on another one compares the two."
        st.toggle("Compare two", key="compare_two", help=help)
        st.caption(f"Numbers and the color behind them: median {label}; the stronger, the better. Framed: yours. "
                   "A click takes a pair of values. Drag a tile onto another to compare the two.")  # fmt: skip
    if not moves and np.isfinite(medians[best]):
        help = f"Sets both settings to the pair with the {parts.superlative(group)} median."
        fields = group.fields_at(best)
        parts.take_button(f"Use {parts.name_of(group, best)}", "compare_use", group.experiment, help, **fields)


def _choose(group: Group, name: Any) -> None:
    """A tile was pressed: take its values, or mark it and then compare it with the next one."""
    notes = state.notes()
    if not st.session_state.get("compare_two"):
        return parts.take_place(group, name)
    marked = notes.pop("compare_marked", None)
    if marked is None:
        notes["compare_marked"] = name
    else:
        _compare(group, [marked, name])


def _compare(group: Group, names: Any) -> None:
    """Show two tiles side by side. names: of the tiles, from a browser."""
    match names:
        case [str() as first, str() as second] if first != second:
            if pair(group, f"{first}.{second}"):
                parts.choose(parts.chosen()._replace(pair=f"{first}.{second}"))


def pair(group: Group, text: str | None = None) -> tuple[int, int] | None:
    """The numbers of the runs that are shown side by side, if two tiles were chosen."""
    places = [int(word) for word in (parts.chosen().pair if text is None else text).split(".") if word.isdecimal()]
    return (places[0], places[1]) if len(places) == 2 and max(places) < group.places else None


def sentence(found: Outcomes, medians: np.ndarray, best: int, present: int | None) -> str:
    """The result in words."""
    group = found.group
    if not np.isfinite(medians[best]):
        return "Most runs diverged with every pair."
    count = max(1, len(found.status) // group.places)
    runs = f"Median of {count} runs of" if count > 1 else "One run of"
    what = f"{parts.superlative(group)} {parts.figure_label(group)}"
    named, number = partial(parts.name_of, group), lambda place: parts.number(float(medians[place]))
    text = f"{runs} {group.epochs} epochs for each of {group.places} pairs"
    if found.so_far.epochs and len(found.status) < group.places:
        epochs = [*found.so_far.epochs, *[group.epochs] * bool(found.status)]  # those that are done have them all
        text = f"After {' to '.join(map(str, sorted({min(epochs), max(epochs)})))} of {group.epochs} epochs"
    text += f": the {what} is "
    text += f"**{number(best)}**, with **{escape_markdown(named(best))}**{tied(medians, medians[best], 'pair')}"
    if present is not None and not np.isnan(medians[present]) and medians[present] != medians[best]:
        text += (
            f"; yours, {escape_markdown(parts.name_of(group, present))}, has {parts.number(float(medians[present]))}"
        )
    failed = sum(parts.diverged(found, place) > 0 for place in range(group.places))
    return text + (f". Runs diverged with {failed} of them." if failed else ".")
