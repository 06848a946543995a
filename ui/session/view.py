"""How a visitor looks at an experiment: settings in the link that are not part of the experiment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.experiment.rules import short
from lab.protocol.speed import SPEEDS
from ui.session import comparison, lockable_parts, run_list, study_setup

CONTROLS = {"simple": "Simple", "everything": "Everything"}  # which controls the Playground shows -> label
VIEW: dict[str, Any] = {  # name -> default
    "controls": "simple", "speed": "calm", "show_test": True, "discretize": False, "mark_errors": "auto",
    "projector": False, "hide": (), "lock": (), "title": "", "task": "",
    "responses": False,  # curves under the settings of the Playground
    "compare": "",  # as ui/session/comparison.py reads it
    "runs": "",  # as ui/session/run_list.py reads it
    "study": "",  # as ui/session/study_setup.py reads it
}  # fmt: skip
TEXTS: dict[str, Any] = {"compare": comparison, "runs": run_list, "study": study_setup}  # values that a module reads
MARK_ERRORS = {"auto": "Auto", "always": "Always", "never": "Never"}  # on the map; name -> label
CHOICES = {"controls": tuple(CONTROLS), "speed": tuple(SPEEDS), "mark_errors": tuple(MARK_ERRORS)} | {
    name: ("true", "false") for name, value in VIEW.items() if isinstance(value, bool)
}
MAX_CHARACTERS = {"title": 80, "task": 300}  # what a teacher says to students: plain text on one line


def view_from(query: Mapping[str, str], refused: list[str]) -> dict[str, Any]:
    """The view of a link. A value that is not allowed adds a sentence to `refused` and keeps its default."""
    view = dict(VIEW)
    for name in VIEW.keys() & query.keys():
        text = query[name]
        if name in lockable_parts.LISTS:
            view[name], unknown = lockable_parts.read(name, text)
            if unknown:
                which = ", ".join(map(short, unknown[:3])) + (", ..." if unknown[3:] else "")
                refused.append(f"{name}: {which} is ignored; allowed: names of parts of the page; see Share.")
        elif name in MAX_CHARACTERS:
            view[name] = one_line(text)
            if len(view[name]) > MAX_CHARACTERS[name]:
                view[name] = VIEW[name]
                refused.append(f"{name}: {short(text)} is too long; allowed: {MAX_CHARACTERS[name]} characters.")
        elif name in TEXTS:
            if (read := TEXTS[name].read(text)) is None:
                refused.append(TEXTS[name].refusal(text))
            else:
                view[name] = read.text
        elif text in CHOICES[name]:
            view[name] = text == "true" if text in ("true", "false") else text
        else:
            refused.append(f"{name}: {short(text)} is not allowed; allowed: one of {', '.join(CHOICES[name])}.")
    return view


def one_line(text: str) -> str:
    """The text without line breaks and characters that cannot be seen."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def to_query(view: Mapping[str, Any]) -> dict[str, str]:
    """What a link holds of a view: all that is not at its default."""
    return {name: view_text(name, value) for name, value in view.items() if value != VIEW[name]}


def view_text(name: str, value: Any) -> str:
    """A value of the view as a link holds it."""
    if name in lockable_parts.LISTS:
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
