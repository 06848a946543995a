"""A replay: an experiment, and the changes that were made while it trained, each with its step. A value.

A run that is repeated from it has the same bits, if it takes the same way of execution on the same kind of machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from pydantic import ValidationError

from lab.experiment import link
from lab.experiment.experiment import Experiment
from lab.experiment.fields import LIVE, Fields
from lab.experiment.rules import ExperimentError

MAX_CHANGES = 2000  # of a run that can be replayed; a dragged slider makes some ten a second
MAX_STEPS = 10**12
MAX_EDIT_INDEX, MAX_EDITED_WEIGHT = 1_000_000, 1000.0
NONE = "replay: this is not a replay; allowed: an experiment, changes in the order of their steps, and an end."


@dataclass(frozen=True)
class Replay:
    """experiment: that of the first step. It ends after `steps`, or where they are 0 after `epochs`.

    changes: {"step": 10, "fields": {"learning_rate": 0.1}}, {"step": 20, "edit": [layer, source, target, value]} as in
    lab.protocol.messages.Edit, or {"step": 30, "resume": true}, where Play was pressed after a rule had stopped it.
    way: of execution, as the executors name it. Raises ExperimentError for what is not allowed.
    """

    experiment: Experiment
    changes: tuple[dict[str, Any], ...] = ()
    steps: int = 0
    epochs: int = 0
    way: str = ""

    def __post_init__(self) -> None:
        whole = all(type(number) is int and 0 <= number <= MAX_STEPS for number in (self.steps, self.epochs))
        if not whole or len(self.changes) > MAX_CHANGES or not isinstance(self.way, str) or len(self.way) > 20:
            raise ExperimentError([NONE])
        last = 0
        for change in self.changes:
            if not isinstance(change, Mapping) or not _is_change(change) or not last <= change["step"] <= MAX_STEPS:
                raise ExperimentError([NONE])
            last = change["step"]
        if last > self.steps and (self.steps or not self.epochs):
            raise ExperimentError([NONE])

    @cached_property
    def final_experiment(self) -> Experiment:
        """The experiment after all changes."""
        e = self.experiment
        for change in self.changes:
            e = with_fields(e, change.get("fields", {}))
        return e

    def to_values(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "experiment": json.loads(self.experiment.model_dump_json()), "changes": list(self.changes),
            "steps": self.steps, "epochs": self.epochs, "way": self.way,
        }  # fmt: skip

    @classmethod
    def from_values(cls, values: Any, experiment: Experiment) -> Replay:
        """The replay of values from outside, whose experiment is already validated. Raises ExperimentError."""
        names = {"experiment", "changes", "steps", "epochs", "way"}
        if not isinstance(values, dict) or values.keys() != names or not isinstance(values["changes"], list):
            raise ExperimentError([NONE])
        return cls(experiment, tuple(values["changes"]), values["steps"], values["epochs"], values["way"])


def packed(replay: Replay) -> str:
    """A text for links."""
    more = {"changes": json.dumps(list(replay.changes), separators=(",", ":")), "way": replay.way,
            "steps": str(replay.steps), "after": str(replay.epochs)}  # fmt: skip
    return link.packed({**replay.experiment.to_query(), **more})


@lru_cache(maxsize=256)
def unpacked(text: str) -> Replay | None:
    """The replay of a text of `packed`; None if that is none."""
    try:
        query = link.expanded({link.FIELD: text})
        changes, way, steps, epochs = (query.pop(name) for name in ("changes", "way", "steps", "after"))
        experiment, refused = Experiment.from_query(query)
        return None if refused else Replay(experiment, tuple(json.loads(changes)), int(steps), int(epochs), way)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def with_fields(experiment: Experiment, fields: Mapping[str, Any]) -> Experiment:
    """An experiment with live fields changed, as the page changes them."""
    return Experiment.model_construct(None, **{**dict(experiment), **fields}) if fields else experiment


def _is_change(change: Mapping[str, Any]) -> bool:
    """Whether a change is of one of the three kinds, with values that a page could have sent."""
    if type(change.get("step")) is not int or change["step"] < 0 or len(change) != 2:
        return False
    match change:
        case {"fields": dict() as fields}:
            return bool(fields) and fields.keys() <= set(LIVE) and _are_valid(fields)
        case {"edit": [int() as layer, int() as source, int() as target, int() | float() as value]}:
            indices = 0 <= layer <= MAX_EDIT_INDEX and -1 <= source <= MAX_EDIT_INDEX and 0 <= target <= MAX_EDIT_INDEX
            return indices and abs(value) <= MAX_EDITED_WEIGHT
        case {"resume": True}:
            return True
    return False


def _are_valid(fields: Mapping[str, Any]) -> bool:
    """Whether each value is one that its field may have, in the type that it has there."""
    try:
        checked = Fields.model_validate(fields)
    except ValidationError:
        return False
    return all(getattr(checked, name) == value for name, value in fields.items())
