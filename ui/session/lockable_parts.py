"""The parts of the page that a teacher may hide or lock for pupils, and how a link says which.

Hiding and locking keep a lesson tidy; they are no secret: whoever edits the address gets everything back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ui.streamlit_compat.dom import Mark

LISTS = ("hide", "lock")  # values of the view; each a tuple of names of parts


class Part(NamedTuple):
    """What belongs together: the widgets of some fields, keys of buttons, or a piece of the live view."""

    name: str  # in links: never changed
    label: str
    fields: tuple[str, ...] = ()  # of the experiment or the view, and names of buttons
    selector: str = ""  # of the piece of the live view, which can be hidden only
    hideable: bool = True

    @property
    def lockable(self) -> bool:
        return bool(self.fields)


PARTS = {
    part.name: part
    for part in (
        Part("transport", "Play, Step and Reset", ("play", "pause", "step", "step_batch", "reset", "new_weights")),
        Part("speed", "Speed", ("speed",)),
        Part("rate", "Learning rate", ("learning_rate",)),
        Part("batch", "Batch size", ("batch_size",)),
        Part("penalties", "L1 and L2 rate", ("l1", "l2")),
        Part("stop", "Stop rules",
             ("stop_rules", "epochs", "target_accuracy", "patience", "min_delta", "monitor", "max_seconds")),
        Part("data", "Data", ("dataset", "noise", "samples", "train_share", "label_noise", "outliers", "balance",
                              "points", "own", "scaling", "more_data", "draw", "files")),
        Part("seed", "Seed", ("seed", "weight_seed", "regenerate")),
        Part("features", "Features", ("features", "formula")),
        Part("layers", "Hidden layers", ("hidden", "conv", "units", "layers")),
        Part("activation", "Activation", ("activations",)),
        Part("loss", "Output and loss", ("output", "loss", "label_smoothing", "class_weights")),
        Part("optimizer", "Optimizer", ("optimizer", "weight_decay")),
        Part("device", "Device", ("device",)),
        Part("more", "More settings", ("more_settings", "initializer", "dropout", "batch_norm", "residual", "dtype",
                                       "schedule", "schedule_span", "clip_norm", "clip_value", "max_norm")),
        Part("view", "Test points and Discretize", ("show_test", "discretize")),
        Part("weights", "Weights by hand", ("weights",), hideable=False),
        Part("presets", "Presets", ("presets",)),
        Part("share", "Share", ("share",)),
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
PART_OF = {field: part.name for part in PARTS.values() for field in part.fields}


def allowed(kind: str) -> tuple[str, ...]:
    """The parts that `hide` or `lock` may name."""
    return HIDEABLE if kind == "hide" else LOCKABLE


def read(kind: str, text: str) -> tuple[str, ...]:
    """`data,seed` -> the names, in the order of the table. Raises ValueError for a name that is none of them."""
    names = {name for name in text.split(",", len(PARTS)) if name}
    if not names <= set(allowed(kind)):
        raise ValueError(f"Allowed: a list out of {', '.join(allowed(kind))}.")
    return ordered(names)


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in PARTS if name in set(names))


def is_hidden(view: dict[str, Any], field: str) -> bool:
    """Whether the widget of a field, or the button of a name, is not drawn."""
    return PART_OF.get(field) in view["hide"]


def is_locked(view: dict[str, Any], field: str) -> bool:
    """Whether it is out of the pupils' reach: locked, or not drawn at all."""
    return PART_OF.get(field) in (*view["lock"], *view["hide"])


def hiding(view: dict[str, Any]) -> str:
    """The style that takes away what is hidden: pieces of the live view, and widgets that a page draws by itself."""
    parts = [PARTS[name] for name in view["hide"]]
    gone = [part.selector for part in parts if part.selector]
    names = [
        f"{Mark.KEY}{prefix}{field}" for part in parts for field in part.fields for prefix in ("field_", "view_", "")
    ]
    gone += [f'.{name}, [class*="{name}-"]' for name in names]  # a key may have been replaced: see state.hold
    return f"{', '.join(gone)} {{ display: none !important; }}" if gone else ""
