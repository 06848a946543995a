"""Drawing points by hand: whether the pad is open, and what happens to the points drawn on it.

The pad keeps its own points and sends all of them whenever they change. As soon as they make a data set they become the
experiment's; until then they are a draft, and the network keeps the data that it has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from data.sources import hand_drawn
from ui.session import state

SHEET = "sheet"  # the note that holds the state of the pad
AS_DRAWN = {"noise": 0.0, "label_noise": 0.0, "outliers": 0.0, "samples": 0}  # drawn points are used as they are
NO_DATA_SET = "Not a data set yet: {}. Draw 2 to 5 classes, each with at least 2 points."


@dataclass(frozen=True)
class Sheet:
    """The state of the pad. packed: the points of the experiment when it was last in step with the pad."""

    open: bool = False
    packed: str = ""
    draft: tuple[tuple[float, float, int], ...] | None = None  # drawn, but not a data set yet
    note: str = ""
    revision: int = 0  # changes when the pad must replace its points
    taken: int = 0  # the number of the last message


def is_open() -> bool:
    return _sheet().open and state.experiment().dataset == hand_drawn.NAME


def begin() -> None:
    """Open the pad with the points that were drawn before, or with a few example points."""
    if state.experiment().dataset != hand_drawn.NAME:
        state.change(dataset=hand_drawn.NAME, **AS_DRAWN)
    state.notes()[SHEET] = replace(_sheet(), open=True)


def end() -> None:
    state.notes()[SHEET] = replace(_sheet(), open=False)


def use(points: list[list[float]]) -> None:
    """Use points that were not drawn, such as those of a file."""
    _accept(hand_drawn.pack(points))


def options() -> dict[str, Any] | None:
    """The options of the pad of the live component; None where it is closed."""
    if not is_open():
        return None
    sheet, text = _sheet(), state.experiment().points
    if text != sheet.packed:  # a file, a link or a preset has set others
        sheet = replace(sheet, packed=text, draft=None, note="", revision=sheet.revision + 1)
        state.notes()[SHEET] = sheet
    points = _of(text) if sheet.draft is None else sheet.draft
    return {"points": points, "revision": sheet.revision, "taken": sheet.taken, "note": sheet.note}


def take(points: list[Any], number: int, done: bool) -> None:
    """Handle a message of the pad. Invalid messages, and those of a closed pad, change nothing."""
    if not is_open():
        return
    sheet = replace(_sheet(), taken=number, open=not done)
    state.notes()[SHEET] = sheet
    try:
        text = hand_drawn.pack(points) if points else ""
    except ValueError:
        return
    problem = hand_drawn.problem(text) if text else "no points"
    if problem:
        draft = tuple((point[0], point[1], int(point[2])) for point in points)
        state.notes()[SHEET] = replace(sheet, draft=draft, note=NO_DATA_SET.format(problem))
        return
    _accept(text)
    if state.experiment().points == text:
        state.notes()[SHEET] = replace(sheet, packed=text, draft=None, note="")


def _accept(text: str) -> None:
    """Use these points. Training continues if it was running, so that the boundary moves toward them."""
    e = state.experiment()
    if (e.dataset, e.points) == (hand_drawn.NAME, text):
        return
    training = state.training()
    state.change(points=text, **({} if e.dataset == hand_drawn.NAME else {"dataset": hand_drawn.NAME, **AS_DRAWN}))
    if training and state.experiment().points == text:
        state.command("play")


def _of(text: str) -> list[tuple[float, float, int]]:
    places, labels = hand_drawn.unpack(text or hand_drawn.STARTER)
    return [(round(x, 4), round(y, 4), label) for (x, y), label in zip(places.tolist(), labels.tolist(), strict=True)]


def _sheet() -> Sheet:
    return state.notes().get(SHEET, Sheet())
