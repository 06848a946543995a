"""Every keyboard shortcut: the button that it presses, and its help."""

from __future__ import annotations

from typing import NamedTuple


class Key(NamedTuple):
    """A key of the whole page. It presses the first of these buttons that the page has."""

    name: str  # as the browser calls it
    shown: str
    verbs: tuple[str, ...]  # keys of buttons
    sentence: str


KEYS = (
    Key(" ", "Space", ("pause", "play"), "Play, or pause."),
    Key("ArrowRight", "→", ("step",), "Train for one epoch."),
    Key("b", "B", ("step_batch",), "Train for one batch."),
    Key("n", "N", ("new_weights",), "New random initial weights."),
    Key("r", "R", ("reset",), "Restart from the same initial weights."),
    Key("?", "?", ("keys",), "Open this list."),
)
PLACES = (  # keys of one part of the page: where, which, what for
    ("Everywhere", "Tab, Shift+Tab", "Go to the next or the previous control."),
    ("Slider", "← → Home End", "Change the value by one step, or to its first or last."),
    ("Select box", "↓ ↑ Enter", "Open, move through the list, choose. Letters search the list."),
    ("Network", "← → ↑ ↓", "Move from feature to neuron to output; the large map shows the selected neuron."),
    ("Network", "Enter", "Switch a feature on or off; open the weights of a neuron."),
    ("Layers, data sets, matrix", "← → ↑ ↓", "Move among the buttons of a group, which Tab reaches together."),
    ("Weights", "Enter, Esc", "Apply the typed number; close the list."),
    ("Drawing", "← → ↑ ↓ Enter", "Move the cross; add, move, delete or relabel a point there."),
    ("Dialog", "Esc", "Close it."),
)


def for_component() -> dict[str, list[str]]:
    """Key -> the buttons it presses, as ui/components/shared/keys.js takes it."""
    return {key.name: list(key.verbs) for key in KEYS}
