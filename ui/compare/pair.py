"""Two runs of a group side by side: they advance in lock step, by the buttons of one transport."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.fields import FIELDS, LIVE
from lab.experiment.group import AT_ONCE_S, Group
from lab.protocol.messages import BYTE_SCALE, CLASS_SHIFT, PAIR
from ui.compare import parts
from ui.figures.spread import two_runs
from ui.kit.charts import charts, theme
from ui.kit.escape import escape_markdown
from ui.kit.inline_picture import as_data_url, map_url
from ui.kit.map_colors import signed
from ui.session import state

REFRESH_S, WORK_S, PAUSE_S = 0.35, 0.25, 0.02  # between refreshes; of one that is spent asking; between two questions
PICTURES = 20  # of a Play that goes on for as many epochs as the runs of the group have
PICTURE_PX = 160
PLAY_PX = 90  # with both words, so that the buttons beside it stay where they are
SIDES = ("A", "B")


@dataclass
class Pair:
    """until: the epoch since they became different that is shown; ends: at which Play ends."""

    group: Group
    numbers: tuple[int, int]  # of the members
    until: int
    ends: int = 0
    header: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def is_playing(self) -> bool:
        return self.until < self.ends

    @property
    def is_working(self) -> bool:
        return self.is_playing or not self.header.get("finished")

    def play(self) -> None:
        self.ends = self.until + self.group.epochs

    def pause(self) -> None:
        self.ends = self.until

    def go_to(self, epochs: int) -> None:
        """Show this epoch."""
        self.until = self.ends = epochs
        self.header = {**self.header, "finished": False}

    def work(self, seconds: float) -> None:
        """Advance where it plays, and ask until both are there, for about this long."""
        if self.is_playing and self.header.get("finished"):
            self.until = min(self.ends, self.until + max(1, self.group.epochs // PICTURES))
        ends = time.monotonic() + seconds
        asked = {"group": self.group.to_json(), "numbers": list(self.numbers)}
        while True:
            self.header, arrays = state.ask(PAIR, **asked, until=self.until)
            self.arrays = arrays or self.arrays
            if self.header["finished"] or time.monotonic() > ends:
                return
            time.sleep(PAUSE_S)


def pair_of(group: Group, numbers: tuple[int, int]) -> Pair:
    """The visitor's page remembers the latest pair. It begins at its end, unless that takes long."""
    known = state.notes().get("compared_pair")
    if not isinstance(known, Pair) or (known.group, known.numbers) != (group, numbers):
        seconds = 2 * group.seconds / len(group.members)
        known = state.notes()["compared_pair"] = Pair(group, numbers, group.epochs if seconds <= AT_ONCE_S else 0)
    return known


def show(group: Group, numbers: tuple[int, int], close: Callable[[], None] | None = None) -> None:
    """Draw both, again and again while they train. close: what a button does, if there is one."""
    found = pair_of(group, numbers)
    with st.container(horizontal=True, vertical_alignment="center"):
        first = f": the first of {group.seeds} runs of each" if group.seeds > 1 else ""
        st.markdown(f"**Side by side**{first}", width="content")
        if close:
            st.button("Close", key="pair_close", on_click=close, help="Shows the tiles alone.")
    is_working = found.is_working
    st.fragment(partial(_draw, found, is_working), run_every=REFRESH_S if is_working else None)()


def _draw(found: Pair, was_working: bool) -> None:
    if found.is_working:
        try:
            found.work(WORK_S)
        except (ExperimentError, RuntimeError) as problem:
            st.warning(escape_markdown(str(problem)))
            return
    if problem := found.header["problem"]:
        st.warning(escape_markdown(problem))
        return
    if found.is_working != was_working:
        st.rerun()  # with other refreshes
    _transport(found)
    if found.arrays:
        _pictures(found)


def _transport(found: Pair) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if found.is_playing:
            st.button("Pause", key="pair_play", on_click=found.pause, width=PLAY_PX, help="Both wait where they are.")
        else:
            help = f"Trains both for {found.group.epochs} more epochs, one epoch after the other."
            st.button("Play", key="pair_play", on_click=found.play, width=PLAY_PX, help=help)
        step = partial(found.go_to, found.until + 1)
        st.button("Step", key="pair_step", on_click=step, help="Trains both for one epoch.")
        back = partial(found.go_to, 0)
        help = "Returns to where the two become different."
        st.button("Reset", key="pair_reset", on_click=back, disabled=not found.until, help=help)
        st.markdown(sentence(found), width="content")


def sentence(found: Pair) -> str:
    """Where both are, and how far apart."""
    if not found.header.get("epochs"):
        return "Both are being trained up to the present epoch."
    first, epochs, difference = found.group.first_epoch, found.header["epochs"], found.header["difference"]
    text = f"Epoch **{first + max(epochs)}**" + (f", {max(epochs)} after the fork" if first else "") + ". "
    for side, status, epoch in zip(SIDES, found.header["status"], epochs, strict=True):
        if status != "running":
            text += (
                f"{side} {'diverged' if status == 'diverged' else 'was stopped by a rule'} in epoch {first + epoch}. "
            )
    label = parts.figure_label(found.group).capitalize()
    name = "losses" if found.group.figure == "loss" else "scores"
    ends = [parts.number(float(found.arrays[f"{name}_{place}"][-1])) for place in range(2)]
    text += f"{label}: A {ends[0]}, B {ends[1]}. "
    if difference is None:
        return text + "Their weights differ in number."
    return text + ("All weights are equal, to the bit." if difference == 0 else
                   f"Largest difference of a weight: {difference:.3g}.")  # fmt: skip


def _pictures(found: Pair) -> None:
    group, label = found.group, parts.figure_label(found.group)
    names = dict(zip(SIDES, side_names(group, found.numbers), strict=True))
    if (maps := found.arrays.get("maps")) is not None:
        encoding = found.header["encoding"]
        pictures = {f"{side}: {name}": map_url(map, encoding, theme())
                    for (side, name), map in zip(names.items(), maps, strict=True)}  # fmt: skip
        title = "Where A and B differ" if encoding == "class" else "B minus A"
        pictures[title] = as_data_url(signed(difference_map(maps, encoding), theme()))
        with st.container(horizontal=True):
            for caption, url in pictures.items():
                st.image(url, caption=escape_markdown(caption), width=PICTURE_PX, alt=caption)
    name = "losses" if group.figure == "loss" else "scores"
    curves = {f"{side}: {text}": (found.arrays[f"epochs_{place}"], found.arrays[f"{name}_{place}"])
              for place, (side, text) in enumerate(names.items())}  # fmt: skip
    before = ", with what came before" if group.first_epoch else ""
    alt = f"{label.capitalize()} of A (gray) and B{before}"
    charts("compare_pair", {alt: two_runs(curves, group.first_epoch, label=label, part=group.part, theme=theme())})
    first, second = (group.members[number].experiment for number in found.numbers)
    st.markdown(differences(first, second) + " " + kept(first.changed_fields(second), group.first_epoch))


def difference_map(maps: np.ndarray, encoding: str) -> np.ndarray:
    """(H, W) from -1 to 1: 0 where both networks answer the same. maps: bytes (2, H, W)."""
    if encoding == "class":
        return (maps[0] >> CLASS_SHIFT != maps[1] >> CLASS_SHIFT).astype(np.float64)
    return (maps[1].astype(np.float64) - maps[0]) / BYTE_SCALE


def side_names(group: Group, numbers: tuple[int, int]) -> list[str]:
    """What each of the two has that its group varies."""
    return [parts.name_of(group, group.members[number].place) for number in numbers]


def differences(first: Experiment, second: Experiment) -> str:
    """The list of what differs."""
    changed = first.changed_fields(second)
    if not changed:
        return "A and B have the same settings."
    named = (f"{FIELDS[f].label} ({parts.text_of(f, getattr(first, f), first)} and {parts.text_of(f, value, second)})"
             for f, value in changed.items())  # fmt: skip
    return f"A and B differ in: {escape_markdown(', '.join(named))}."


def kept(fields: Collection[str], first_epoch: int = 0) -> str:
    """What two runs with these other fields have in common, and what could not be kept equal."""
    if first_epoch:
        same = f"They are the same run up to epoch {first_epoch}: weights, optimizer, data and random numbers."
        return same + (" From then on their batches cannot be equal." if "batch_size" in fields else
                       " From then on their batches and dropout masks are still the same.")  # fmt: skip
    if {FIELDS[field].group for field in fields} & {"Data"}:
        return "Their data differs, because a setting makes it."
    if "batch_size" in fields:
        return "They have the same data and initial weights; their batches cannot be equal."
    if {*fields} <= {*LIVE}:
        return "They have the same data, initial weights and batches."
    return "They have the same data and batches; their initial weights may differ in number or kind."
