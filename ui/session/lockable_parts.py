"""The parts of the page that a teacher may hide or lock for students, and how a link names them.

Hiding and locking keep a lesson tidy; they protect nothing: anyone who edits the address gets everything back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from lab.experiment.fields import FIELDS
from ui.streamlit_compat.dom import Mark

LISTS = ("hide", "lock")  # values of the view; each a tuple of names of parts


class Part(NamedTuple):
    """The controls of some fields, other widgets by name, or a section of the live view."""

    name: str  # in links: never changed
    label: str
    widgets: tuple[str, ...] = ()  # besides those of its fields: settings of the view, buttons and containers
    selector: str = ""  # CSS of a section of the live view, which can only be hidden
    hideable: bool = True

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the experiment whose records name this part, and the other widgets."""
        return (*(name for name, spec in FIELDS.items() if spec.part == self.name), *self.widgets)

    @property
    def lockable(self) -> bool:
        return bool(self.fields)


PARTS = {
    part.name: part
    for part in (
        Part("transport", "Play, Step and Reset", ("play", "pause", "step", "step_batch", "reset", "new_weights")),
        Part("speed", "Speed", ("speed",)),
        Part("rate", "Learning rate"),
        Part("batch", "Batch size"),
        Part("penalties", "L1 and L2 rate"),
        Part("stop", "Stop rules", ("stop_rules",)),
        Part("data", "Data", ("more_data", "draw", "files")),
        Part("seed", "Seed", ("regenerate",)),
        Part("features", "Features"),
        Part("layers", "Hidden layers", ("units", "layers")),
        Part("activation", "Activation"),
        Part("loss", "Output and loss"),
        Part("optimizer", "Optimizer"),
        Part("device", "Device"),
        Part("more", "More settings", ("more_settings",)),
        Part("view", "Test points, Discretize and Mark errors", ("show_test", "discretize", "mark_errors")),
        Part("responses", "Response curves", ("responses",)),
        Part("weights", "Weights by hand", ("weights",), hideable=False),
        Part("presets", "Presets", ("presets",)),
        Part("share", "Share", ("share",)),
        Part("controls", "Simple or Everything", ("controls",)),
        Part("readouts", "Epoch, loss and accuracy", selector=".live-facts, .live-details"),
        Part("diagram", "Network diagram", selector=".live-diagram"),
        Part("loss_curve", "Loss curve", selector=".live-panel[data-chart='loss']"),
        Part("accuracy_curve", "Accuracy curve", selector=".live-panel[data-chart='accuracy']"),
        Part("activation_curve", "Activation curve", selector=".live-panel[data-chart='activation']"),
        Part("confusion", "Confusion matrix", selector=".live-panel-confusion"),
        Part("advice", "Advice", selector=".live-advice"),
    )
}  # fmt: skip
HIDEABLE = tuple(name for name, part in PARTS.items() if part.hideable)
LOCKABLE = tuple(name for name, part in PARTS.items() if part.lockable)
USUALLY_FREE = ("transport", "speed", "view", "share")  # they leave the experiment as it is
PART_OF = {field: part.name for part in PARTS.values() for field in part.fields}


def allowed(kind: str) -> tuple[str, ...]:
    """The parts that `hide` or `lock` may name."""
    return HIDEABLE if kind == "hide" else LOCKABLE


def read(kind: str, text: str) -> tuple[tuple[str, ...], list[str]]:
    """`data,seed,x` -> the names of the table, in its order, and those that are unknown or not allowed."""
    names = [name for name in text.split(",", len(PARTS)) if name]
    return ordered(set(names) & set(allowed(kind))), [name for name in names if name not in allowed(kind)]


def all_but(spared: str = "") -> tuple[str, ...]:
    """What to lock so that students can change nothing but one part: they still train, look and share."""
    return tuple(name for name in LOCKABLE if name not in (spared, *USUALLY_FREE))


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in PARTS if name in set(names))


def is_hidden(view: dict[str, Any], field: str) -> bool:
    """Whether the widget of a field, or the button of a name, is not drawn."""
    return PART_OF.get(field) in view["hide"]


def is_locked(view: dict[str, Any], field: str) -> bool:
    """Whether students cannot change it: it is locked, or not drawn at all."""
    return PART_OF.get(field) in (*view["lock"], *view["hide"])


def locked_among(view: dict[str, Any], fields: Iterable[str]) -> list[str]:
    """Those of some fields that students cannot change."""
    return [field for field in fields if is_locked(view, field)]


def lesson_holds(view: dict[str, Any]) -> bool:
    """Whether the author of the link has prepared the page for students."""
    return any(view[name] for name in (*LISTS, "title", "task"))


def _keyed(parts: Iterable[Part]) -> list[str]:
    """Selectors of the widgets of parts; a key may have a version: see state.widget_key."""
    prefixes = ("field_", "view_", "")
    keys = [f"{Mark.KEY}{prefix}{field}" for part in parts for field in part.fields for prefix in prefixes]
    return [f'.{key}, [class*="{key}-"]' for key in keys]


def locking(view: dict[str, Any]) -> str:
    """The CSS that puts a lock in front of the labels of widgets that cannot be changed."""
    widgets = ", ".join(_keyed(PARTS[name] for name in view["lock"]))
    labels, font = f"{Mark.WIDGET_LABEL} p, button p", '"Material Symbols Rounded"'
    look = f'content: "lock" / ""; font-family: {font}; margin-right: 0.25em;'
    return f":is({widgets}) :is({labels})::before {{ {look} }}" if widgets else ""


def hiding(view: dict[str, Any]) -> str:
    """The CSS that hides sections of the live view, and widgets that a page draws by itself."""
    parts = [PARTS[name] for name in view["hide"]]
    gone = [part.selector for part in parts if part.selector] + _keyed(parts)
    return f"{', '.join(gone)} {{ display: none !important; }}" if gone else ""
