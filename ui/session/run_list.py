"""What the page Runs shows: the chosen runs and their comparison. A value, which the link holds as a text."""

from __future__ import annotations

import re
from typing import NamedTuple

from lab.experiment.fields import FIELDS
from lab.experiment.rules import short

CHARTS = {"curves": "Curves", "scatter": "Scatter", "parallel": "Parallel coordinates", "pair": "Two runs"}
PARENT = "parent"  # group, study or branch
FIGURES = {  # of a run -> label
    "loss": "Loss", "train_loss": "Training loss", "validation_loss": "Validation loss", "test_loss": "Test loss",
    "train_score": "Training score", "validation_score": "Validation score", "test_score": "Test score",
    "best_loss": "Best loss", "epoch": "Epochs", "seconds": "Seconds",
}  # fmt: skip
SORTS = ("created", "status", PARENT, *FIGURES, *FIELDS)
MAX_CHOSEN = 200
MAX_FIND = 200  # characters of a search
ID = re.compile(r"[\w-]{1,24}", re.ASCII)


class RunList(NamedTuple):
    """chart: of CHARTS. by: runs with the same value of it, or the same parent, are one group; "": none are.

    x: the field of the scatter chart; "": the one that differs most. ids: of the chosen runs, in their order.
    """

    chart: str = "curves"
    by: str = ""
    sort: str = "created"
    descending: bool = True
    x: str = ""
    ids: tuple[str, ...] = ()
    find: str = ""

    @property
    def text(self) -> str:
        """Such as `scatter::-loss:learning_rate:id,id:star`; empty for the usual list."""
        if self == RunList():
            return ""
        sort = ("-" if self.descending else "") + self.sort
        return ":".join((self.chart, self.by, sort, self.x, ",".join(self.ids), self.find)).rstrip(":")


def read(text: str) -> RunList | None:
    """The list of a text; None if that is none."""
    words = [*text.split(":", 5), *[""] * 5][:6] if text else ["curves", "", "-created", "", "", ""]
    chart, by, sort, x, ids, find = words
    sort = sort or "-created"
    found = RunList(
        chart, by, sort.removeprefix("-"), sort.startswith("-"), x, tuple(dict.fromkeys(filter(None, ids.split(",")))),
        find,
    )  # fmt: skip
    is_known = found.chart in CHARTS and found.sort in SORTS and {by, x} <= {"", PARENT, *FIELDS} and x != PARENT
    has_ids = len(found.ids) <= MAX_CHOSEN and all(map(ID.fullmatch, found.ids))
    return found if is_known and has_ids and len(find) <= MAX_FIND and find.isprintable() else None


def refusal(text: str) -> str:
    """Why a text is no list of runs."""
    return (
        f"runs: {short(text)} is not allowed; allowed: {', '.join(CHARTS)}, followed by a group, an order, a setting, "
        f"at most {MAX_CHOSEN} runs and a search, such as curves:optimizer:-loss."
    )
