"""What was done to a run since its first step, and what a run that is repeated has still ahead of it."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.training.trainer import Trainer
from lab.experiment.experiment import Experiment
from lab.experiment.replay import MAX_CHANGES, Replay, with_fields

TIMED = "max_seconds"  # the setting whose effect no replay can repeat


@dataclass
class Ahead:
    """The rest of a replay. steps: where it ends; 0: after `epochs`. fingerprint: of the weights that are expected."""

    changes: deque[dict[str, Any]]
    steps: int = 0
    epochs: int = 0
    fingerprint: str = ""
    diverged: bool = False


@dataclass
class ChangeLog:
    """experiment: that of the first step; None where the run did not begin with the weights of its seed."""

    experiment: Experiment | None
    changes: list[dict[str, Any]] = field(default_factory=list)
    ahead: Ahead | None = None

    def note(self, step: int, **change: Any) -> None:
        """A change at this step: fields, edit or resume. Fields that change at the same step are one change."""
        last = self.changes[-1] if self.changes else None
        if last and "fields" in change and "fields" in last and last["step"] == step:
            self.changes[-1] = {"step": step, "fields": {**last["fields"], **change["fields"]}}
        else:
            self.changes.append({"step": step, **change})
        if len(self.changes) > MAX_CHANGES - 1:
            self.experiment = None

    def replay(self, trainer: Trainer, now: Experiment) -> Replay | None:
        """How to repeat the run up to here; `now` is its present experiment. The limit in seconds comes last."""
        if self.experiment is None:
            return None
        changes = [_without_limit(change) for change in self.changes]
        changes = [change for change in changes if change.get("fields") != {}]
        if limit := getattr(now, TIMED):
            changes.append({"step": trainer.steps, "fields": {TIMED: limit}})
        start = with_fields(self.experiment, {TIMED: 0.0})
        return Replay(start, tuple(changes), trainer.steps, trainer.epochs, trainer.executor.way)

    def to_array(self) -> np.ndarray:
        """For a checkpoint: (bytes,) uint8."""
        ahead = self.ahead and {**vars(self.ahead), "changes": list(self.ahead.changes)}
        start = self.experiment.model_dump_json() if self.experiment else None
        return np.frombuffer(json.dumps([start, self.changes, ahead]).encode(), np.uint8)

    @classmethod
    def from_array(cls, array: np.ndarray | None) -> ChangeLog:
        """Of a checkpoint; one of an earlier version has none."""
        if array is None:
            return cls(None)
        start, changes, ahead = json.loads(array.tobytes())
        if ahead:
            ahead["changes"] = deque(ahead["changes"])
            ahead = Ahead(**ahead)
        return cls(Experiment.from_valid_json(start) if start else None, changes, ahead)


def _without_limit(change: dict[str, Any]) -> dict[str, Any]:
    if TIMED not in change.get("fields", {}):
        return change
    return {**change, "fields": {name: value for name, value in change["fields"].items() if name != TIMED}}


def fingerprint(trainer: Trainer) -> str:
    """Equal for two networks with the same bits."""
    trainer.synchronize()
    return hashlib.sha256(np.ascontiguousarray(trainer.network.parameters).tobytes()).hexdigest()[:32]
