"""Every key of the page: what it presses, and what the help says of it."""

from __future__ import annotations

from typing import NamedTuple


class Key(NamedTuple):
    """A key of the whole page. It presses the first of these buttons that is there, so a key and a click are one."""

    name: str  # as the browser calls it
    shown: str
    verbs: tuple[str, ...]  # keys of buttons
    sentence: str


KEYS = (
    Key(" ", "Space", ("pause", "play"), "Play, or pause."),
    Key("ArrowRight", "→", ("step",), "Train for one epoch."),
    Key("b", "B", ("step_batch",), "Train for one batch."),
    Key("n", "N", ("new_weights",), "Other first weights for the same network."),
    Key("r", "R", ("reset",), "Back to the same first weights."),
    Key("?", "?", ("keys",), "Open this list."),
)
PLACES = (  # keys of one place: where, which, what for
    ("Everywhere", "Tab, Shift+Tab", "Go to the next control, or to the one before."),
    ("Slider", "← → Home End", "Change the value by a step, or to its first or last."),
    ("Select box", "↓ ↑ Enter", "Open it, go through its list, choose. Letters search the list."),
    ("Network", "← → ↑ ↓", "Go from feature to neuron to output; the big map shows what has the focus."),
    ("Network", "Enter", "Switch a feature on or off; open the weights of a neuron."),
    ("Weights", "Enter, Esc", "Set the number that is typed; close the list."),
    ("Drawing", "← → ↑ ↓ Enter", "Move the cross; add, move, delete or relabel a point there."),
    ("Dialog", "Esc", "Close it."),
)


def for_component() -> dict[str, list[str]]:
    """Key -> the buttons it presses, as ui/components/shared/keys.js takes it."""
    return {key.name: list(key.verbs) for key in KEYS}
