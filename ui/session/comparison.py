"""What the Compare page compares, apart from the experiment: a value, which the link holds as one short text."""

from __future__ import annotations

import re
from typing import NamedTuple

from lab.experiment.fields import FIELDS
from lab.experiment.group import FOLDS, VARY
from lab.experiment.replay import unpacked
from lab.experiment.rules import short

RUNS = {  # view -> the usual number of runs (of each value), and the numbers to choose from
    "repeat": (30, (5, 10, 30, 100)),
    "setting": (5, (1, 3, 5, 10, 20)),
    "change": (30, (5, 10, 30, 100)),
    "tiles": (1, (1, 3)),
}
OWN = {  # view -> the settings that no other view has
    "repeat": ("target",), "setting": ("field",), "change": ("field", "value", "start"),
    "tiles": ("field", "field2", "pair"),
}  # fmt: skip
EPOCHS = (10, 25, 50, 100, 200, 400)


class Comparison(NamedTuple):
    """view: of RUNS. field, field2, value: "" for those that the view usually has; value: as in a link.

    start: the replay of what both runs of a change do first, as lab/experiment/replay.py packs it. pair: the places of
    two tiles, such as "3.12".
    """

    view: str = "repeat"
    runs: int = 30
    vary: str = "weights"
    epochs: int = 100
    target: float = 0.95  # score that runs are to reach
    field: str = ""
    field2: str = ""
    value: str = ""
    start: str = ""
    pair: str = ""

    def other_view(self, view: str) -> Comparison:
        """The usual settings of another view, over the same runs."""
        return Comparison(view, RUNS[view][0], "weights" if self.vary == "folds" else self.vary, self.epochs)

    def varied(self, vary: str) -> Comparison:
        """The same with other differences between the runs, and the usual number of them where it must be another."""
        other = self._replace(vary=vary)
        return other if self.runs in other.numbers else other._replace(runs=other.numbers[0])

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of runs to choose from."""
        return FOLDS if self.vary == "folds" else RUNS[self.view][1]

    @property
    def varies(self) -> tuple[str, ...]:
        """What may differ between the runs."""
        return tuple(vary for vary in VARY if vary != "folds" or self.view == "repeat")

    @property
    def text(self) -> str:
        """Such as `setting:5:weights:100:learning_rate`; empty for the usual comparison."""
        if self == Comparison():
            return ""
        own = (f"{getattr(self, name):g}" if name == "target" else getattr(self, name) for name in OWN[self.view])
        return ":".join((self.view, str(self.runs), self.vary, str(self.epochs), *own)).rstrip(":")


def read(text: str) -> Comparison | None:
    """The comparison of a text; None if that is none."""
    view, *words = text.split(":") if text else (Comparison().view,)
    if view not in RUNS or len(words) > 3 + len(OWN[view]):
        return None
    usual = Comparison().other_view(view)
    try:
        found = {name: type(getattr(usual, name))(word)
                 for name, word in zip(("runs", "vary", "epochs", *OWN[view]), words, strict=False)}  # fmt: skip
    except ValueError:
        return None
    read = usual._replace(**found)
    is_known = read.runs in read.numbers and read.vary in read.varies and read.epochs in EPOCHS
    is_known &= 0 <= read.target <= 1 and {read.field, read.field2} <= {"", *FIELDS}
    is_known &= not read.start or unpacked(read.start) is not None
    return read if is_known and re.fullmatch(r"(\d{1,3}\.\d{1,3})?", read.pair) else None


def refusal(text: str) -> str:
    """Why a text is no comparison."""
    return (
        f"compare: {short(text)} is not allowed; allowed: {', '.join(RUNS)}, followed by the number of runs, "
        f"{' or '.join(VARY)}, epochs and settings of that view, such as setting:5:weights:100:learning_rate."
    )
