"""A group of runs: an experiment and what varies between its members. A value, like an experiment."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from engine import ACTIVATIONS
from lab.experiment.architecture import architecture_of
from lab.experiment.experiment import Experiment
from lab.experiment.fields import FIELDS, LIVE
from lab.experiment.replay import Replay
from lab.experiment.rules import ExperimentError
from lab.experiment.work_estimate import FORWARD_AND_BACKWARD, MULTIPLY_ADDS_PER_S, per_sample

MAX_MEMBERS = 320
MAX_EPOCHS = 400  # of each member: the curves keep every epoch
USUAL_EPOCHS = 100  # after which a run counts as finished, unless it has a stop rule
MAX_SECONDS = 600.0  # that all members may take, as estimated
AT_ONCE_S = 5.0  # that they may take, as estimated, without being asked for by a press
STEP_S = 2e-6  # that a step takes besides its multiply-adds
VARY = {"weights": "Weights", "everything": "Everything", "folds": "Folds"}  # what differs between repeated runs
FOLDS = (5, 10)  # numbers of folds of the training part
LARGEST_SEED = 999_999
LOSS_DEPENDS_ON = {"loss", "output", "label_smoothing", "class_weights"}  # their values have no losses to compare
# Values to try of a field that has no slider of its own.
CANDIDATES: dict[str, tuple[Any, ...]] = {"hidden": ((2,), (4,), (8,), (16,), (4, 4), (8, 8), (16, 16), (8, 8, 8))}


class Member(NamedTuple):
    """One run of a group. place: of its value or pair of values among all of them, 0 where only seeds vary."""

    place: int
    experiment: Experiment


@dataclass(frozen=True)
class Group:
    """Members in order: all values with the first seed, then all with the next one, so that every value is soon known.

    field, values: what varies, or "" and (); field2, values2: the same for pairs, which come row by row: all values of
    the first field with the first one of the second. seeds: runs of each value or pair; vary: of VARY; epochs: of each
    member. The first seed is that of the experiment; folds give each run another validation part, so that each training
    example is once in it. start: what all members do first, which ends with the experiment; only then their own values
    are set, and their epochs begin. Raises ExperimentError for what is not allowed.
    """

    experiment: Experiment
    field: str = ""
    values: tuple[Any, ...] = ()
    seeds: int = 10
    vary: str = "weights"
    epochs: int = USUAL_EPOCHS
    field2: str = ""
    values2: tuple[Any, ...] = ()
    start: Replay | None = None

    def __post_init__(self) -> None:
        count, varied = self.seeds * self.places, [name for name in (self.field, self.field2) if name]
        if self.vary not in VARY or not fields_to_vary(self.experiment).keys() >= {*varied}:
            raise ExperimentError(["compare: there is no such field."])
        if (self.field2 and not self.field) or len({*varied}) < len(varied):
            raise ExperimentError(["compare: two settings must be two different ones."])
        are_complete = all(bool(a) == bool(b) for a, b in ((self.field, self.values), (self.field2, self.values2)))
        if self.seeds < 1 or count > MAX_MEMBERS or not are_complete:
            raise ExperimentError([f"compare: {count} runs are not allowed; allowed: 1 to {MAX_MEMBERS}."])
        if not 1 <= self.epochs <= MAX_EPOCHS:
            raise ExperimentError([f"compare: {self.epochs} epochs are not allowed; allowed: 1 to {MAX_EPOCHS}."])
        if self.vary == "folds" and (self.seeds not in FOLDS or self.start or "validation_share" in varied):
            allowed = " or ".join(map(str, FOLDS))
            raise ExperimentError([f"compare: folds need {allowed} runs from epoch 0, and set the validation share."])
        if self.start and (self.start.final_experiment != self.experiment or not {*varied} <= {*LIVE}):
            raise ExperimentError(["compare: only what a network can take while it trains can change after epoch 0."])
        assert self.members  # each must be a valid experiment
        if self.seconds > MAX_SECONDS:
            raise ExperimentError(
                [f"compare: this takes about {self.seconds:,.0f} s; allowed: {MAX_SECONDS:g}. Choose fewer runs."]
            )

    @property
    def places(self) -> int:
        """The number of values or pairs of values; 1 where only seeds vary."""
        return max(1, len(self.values)) * max(1, len(self.values2))

    def fields_at(self, place: int) -> dict[str, Any]:
        """What varies, with its values at a place."""
        row, column = divmod(place, max(1, len(self.values)))
        found = {self.field: self.values[column]} if self.field else {}
        return found | {self.field2: self.values2[row]} if self.field2 else found

    @cached_property
    def members(self) -> tuple[Member, ...]:
        places = tuple(tuple(self.fields_at(place).items()) for place in range(self.places))
        first = _with_fields(self.experiment, places)
        return tuple(
            Member(place, e.model_copy(update=self._differences(number)))  # they fit whatever the other fields are
            for number in range(self.seeds)
            for place, e in enumerate(first)
        )

    def _differences(self, number: int) -> dict[str, Any]:
        """The fields of a repeated run that differ from those of the experiment."""
        e = self.experiment
        if self.vary == "folds":
            return {"validation_share": 1 / self.seeds, "fold": number}
        if not number:
            return {}
        if self.vary == "weights":
            return {"weight_seed": later_seed(e.weight_seed or e.seed, number)}
        seeds = {"seed": later_seed(e.seed, number)}
        return seeds | ({"weight_seed": later_seed(e.weight_seed, number)} if e.weight_seed else {})

    def replay_of(self, number: int) -> Replay:
        """How to train a member alone."""
        place, e = self.members[number]
        if not self.start:
            return Replay(e, epochs=self.epochs)
        first = self.start.experiment.model_copy(update=self._differences(number // self.places))
        fields = self.experiment.changed_fields(self.members[place].experiment)
        change = ({"step": self.start.steps, "fields": fields},) if fields else ()
        return Replay(first, (*self.start.changes, *change), 0, self.first_epoch + self.epochs, self.start.way)

    @property
    def first_epoch(self) -> int:
        """The epoch at which the members become different."""
        return self.start.epochs if self.start else 0

    @property
    def figure(self) -> str:
        """What is compared: the loss, unless what varies makes it another loss."""
        if not {self.field, self.field2} & LOSS_DEPENDS_ON:
            return "loss"
        return "accuracy" if self.experiment.source.kind == "classification" else "R²"

    @property
    def part(self) -> str:
        """The part of the data whose figures are compared."""
        return "validation" if all(member.experiment.validation_share for member in self.members) else "test"

    @cached_property
    def seconds(self) -> float:
        """An estimate of the time that all members take together, on one core."""
        epochs = self.first_epoch + self.epochs
        return self.seeds * sum(_seconds(member.experiment, epochs) for member in self.members[: self.places])

    def to_json(self) -> str:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        start = self.start and self.start.to_values()
        return json.dumps(values | {"experiment": self.experiment.to_json(), "start": start})

    @classmethod
    def from_json(cls, text: str) -> Group:
        """Raises ExperimentError."""
        try:
            found: dict[str, Any] = json.loads(text)
            for name in ("values", "values2"):
                found[name] = tuple(tuple(v) if isinstance(v, list) else v for v in found[name])
            if start := found.get("start"):
                found["start"] = Replay.from_values(start, Experiment.from_json(json.dumps(start["experiment"])))
            found["experiment"] = Experiment.from_json(found["experiment"])
            return cls(**found)
        except (TypeError, KeyError, ValueError) as problem:
            if isinstance(problem, ExperimentError):
                raise
            raise ExperimentError(["compare: this is not a group of runs."]) from None


@lru_cache(maxsize=64)
def _with_fields(e: Experiment, places: tuple[tuple[tuple[str, Any], ...], ...]) -> tuple[Experiment, ...]:
    """The experiment with the fields of each place. Remembered, because groups with other seeds need the same."""
    return tuple(e.change(**dict(fields)) if fields else e for fields in places)


def later_seed(seed: int, number: int) -> int:
    """The seed this many after another one; never 0."""
    return (seed + number - 1) % LARGEST_SEED + 1


def _seconds(e: Experiment, epochs: int) -> float:
    samples = (e.samples or e.source.samples) * e.train_share
    steps = samples / min(e.batch_size or samples, samples)
    arithmetic = FORWARD_AND_BACKWARD * samples * per_sample(architecture_of(e)) / MULTIPLY_ADDS_PER_S
    return epochs * (arithmetic + steps * STEP_S)


def fields_to_vary(e: Experiment) -> dict[str, tuple[Any, ...]]:
    """Fields that can vary in this experiment -> the values to compare."""
    found: dict[str, tuple[Any, ...]] = {}
    for name, spec in FIELDS.items():
        if not spec.applies(e):
            continue
        if name == "activations":
            found[name] = tuple(ACTIVATIONS)
        elif name in CANDIDATES:
            found[name] = CANDIDATES[name]
        elif spec.steps:
            found[name] = spec.steps
        elif spec.control == "choice" and name not in ("monitor",):
            found[name] = tuple(choice for choice in spec.options(e) if choice != "auto")
        elif spec.control == "check":
            found[name] = (False, True)
    return found


def present_value(field: str, e: Experiment) -> Any:
    """The value of a field, or the one that is meant by "auto"."""
    value, spec = getattr(e, field), FIELDS[field]
    return spec.auto(e) if value == "auto" and spec.auto else value


def values_of(field: str, e: Experiment) -> tuple[Any, ...]:
    """The values to compare, and the present one in its place."""
    values, present = fields_to_vary(e)[field], present_value(field, e)
    if present in values:
        return values
    return tuple(sorted((*values, present))) if FIELDS[field].steps else (*values, present)


def epochs_to_finish(e: Experiment) -> int:
    """The epoch at which a run counts as finished: that of its stop rule, or the usual one."""
    return e.epochs or USUAL_EPOCHS
