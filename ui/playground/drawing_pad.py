"""Drawing points by hand: whether the pad is open, and what happens to what is drawn on it.

The pad keeps its own points. Whenever they change it sends all of them; as soon as they make a data set they become the
experiment's, and until then they wait on the sheet while the network keeps what it has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from data.sources import hand_drawn
from ui.session import state

SHEET = "sheet"
AS_DRAWN = {"noise": 0.0, "label_noise": 0.0, "outliers": 0.0, "samples": 0}  # nothing shakes or hides a drawn point
STILL = "Not a data set yet: {}. Draw 2 to 5 classes, each with at least 2 points."


@dataclass(frozen=True)
class Sheet:
    """What lies on the pad. packed: the points that the experiment had when the pad last agreed with it."""

    open: bool = False
    packed: str = ""
    draft: tuple[tuple[float, float, int], ...] | None = None  # drawn, but no data set yet
    note: str = ""
    revision: int = 0  # changes when the pad must take other points than its own
    taken: int = 0  # the number of the last message


def is_open() -> bool:
    return _sheet().open and state.experiment().dataset == hand_drawn.NAME


def begin() -> None:
    """Open the pad, on the points that were drawn before or a few to start with."""
    if state.experiment().dataset != hand_drawn.NAME:
        state.change(dataset=hand_drawn.NAME, **AS_DRAWN)
    state.keep(SHEET, replace(_sheet(), open=True))


def end() -> None:
    state.keep(SHEET, replace(_sheet(), open=False))


def use(points: list[list[float]]) -> None:
    """Points from elsewhere, such as a file, become the experiment's."""
    _accept(hand_drawn.pack(points))


def options() -> dict[str, Any] | None:
    """What the pad of the live component is told; None where it is closed."""
    if not is_open():
        return None
    sheet, text = _sheet(), state.experiment().points
    if text != sheet.packed:  # a file, a link or a preset has brought others
        sheet = replace(sheet, packed=text, draft=None, note="", revision=sheet.revision + 1)
        state.keep(SHEET, sheet)
    points = _of(text) if sheet.draft is None else sheet.draft
    return {"points": points, "revision": sheet.revision, "taken": sheet.taken, "note": sheet.note}


def take(points: list[Any], number: int, done: bool) -> None:
    """What the pad has sent. Anything that a pad never sends is left alone, and so is a pad that is closed."""
    if not is_open():
        return
    sheet = replace(_sheet(), taken=number, open=not done)
    state.keep(SHEET, sheet)
    try:
        text = hand_drawn.pack(points) if points else ""
    except ValueError:
        return
    problem = hand_drawn.problem(text) if text else "no points"
    if problem:
        draft = tuple((point[0], point[1], int(point[2])) for point in points)
        state.keep(SHEET, replace(sheet, draft=draft, note=STILL.format(problem)))
        return
    _accept(text)
    if state.experiment().points == text:
        state.keep(SHEET, replace(sheet, packed=text, draft=None, note=""))


def _accept(text: str) -> None:
    """A run that was training goes on, so that the border moves towards the new points."""
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
    return state.kept(SHEET, Sheet())
