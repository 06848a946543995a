"""How a visitor looks at an experiment: settings in the link that are not part of the experiment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.experiment.rules import short
from lab.protocol.speed import SPEEDS
from ui.session import lockable_parts

CONTROLS = {"simple": "Simple", "everything": "Everything"}  # which controls the Playground shows -> label
VIEW = {  # name -> default
    "controls": "simple", "speed": "calm", "show_test": True, "discretize": False, "mark_errors": "auto",
    "projector": False,
    "hide": (), "lock": (),
}  # fmt: skip
MARK_ERRORS = {"auto": "Auto", "always": "Always", "never": "Never"}  # on the map; name -> label
ALLOWED = {
    "controls": tuple(CONTROLS),
    "speed": tuple(SPEEDS),
    "mark_errors": tuple(MARK_ERRORS),
    **{name: ("true", "false") for name, value in VIEW.items() if isinstance(value, bool)},
    **{name: lockable_parts.allowed(name) for name in lockable_parts.LISTS},
}


def view_from(query: Mapping[str, str], refused: list[str]) -> dict[str, Any]:
    """The view of a link. A value that is not allowed adds a sentence to `refused` and keeps its default."""
    view = dict(VIEW)
    for name in VIEW.keys() & query.keys():
        text = query[name]
        try:
            view[name] = (
                lockable_parts.read(name, text) if name in lockable_parts.LISTS else _one_of(ALLOWED[name], text)
            )
        except ValueError:
            some = "a list out of" if name in lockable_parts.LISTS else "one of"
            refused.append(f"{name}: {short(text)} is not allowed; allowed: {some} {', '.join(ALLOWED[name])}.")
    return view


def _one_of(allowed: tuple[str, ...], text: str) -> str | bool:
    if text not in allowed:
        raise ValueError
    return text == "true" if text in ("true", "false") else text


def to_query(view: Mapping[str, Any]) -> dict[str, str]:
    """What a link holds of a view: all that is not at its default."""
    return {name: view_text(name, value) for name, value in view.items() if value != VIEW[name]}


def view_text(name: str, value: Any) -> str:
    """A value of the view as a link holds it."""
    return ",".join(map(str, value)) if name in lockable_parts.LISTS else str(value).lower()
