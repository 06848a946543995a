"""What a study sends to the processes that train, and what they send back: plain values as one line of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Task:
    """A trial to train.

    experiments: its runs, as JSON. objective, direction: of lab/studies/study.py. every: epochs from one report to the
    next. limits: epoch -> a trial whose best value so far is worse than this at a report is pruned. reports_test:
    whether the figures of the test part are sent back. data_dir: the folder of picture files.
    """

    experiments: tuple[str, ...]
    objective: str
    direction: str
    every: int
    limits: dict[int, float] = field(default_factory=dict)
    reports_test: bool = False
    data_dir: str = ""

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Task:
        values: dict[str, Any] = json.loads(text)
        values["limits"] = {int(epoch): limit for epoch, limit in values["limits"].items()}
        values["experiments"] = tuple(values["experiments"])
        return cls(**values)


@dataclass(frozen=True)
class Outcome:
    """What became of a trial. state: done, pruned or failed.

    value: of the objective, infinitely bad if the run diverged; None if it failed. values: of all runs. run: the number
    of the run with the median; value, result (as of `python -m lab run`), curve and map are those of this run. why: a
    sentence on why it ended. machine, fingerprint: as in lab/store/kept_run.py. reports: epoch -> value of the trial
    then. seconds: of the whole trial. curve: name of a column -> its points. map: the plane as the run sees it, or
    empty: kind, side, and levels as lab/training/probes.py has them, in base64.
    """

    state: str
    value: float | None = None
    values: tuple[float, ...] = ()
    run: int = 0
    why: str = ""
    seconds: float = 0.0
    reports: dict[int, float] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)
    fingerprint: str = ""
    curve: dict[str, list[float]] = field(default_factory=dict)
    map: dict[str, Any] = field(default_factory=dict)

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Outcome:
        values: dict[str, Any] = json.loads(text)
        values["reports"] = {int(epoch): value for epoch, value in values["reports"].items()}
        return cls(**values)
