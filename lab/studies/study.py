"""A study: an experiment, the space that is searched for better ones, a budget and an objective. A value."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, NamedTuple

from lab.experiment.experiment import USUAL_VALIDATION_SHARE, Experiment, ExperimentError
from lab.experiment.fields import DATA, DEFAULTS, FIELDS
from lab.experiment.group import LARGEST_SEED, epochs_to_finish, later_seed
from lab.experiment.rules import Range, parse_json, short

Direction = Literal["minimize", "maximize"]
OBJECTIVES: dict[str, Direction] = {
    "validation_loss": "minimize",
    "validation_accuracy": "maximize",
    "validation_r2": "maximize",
}
SAMPLERS = {
    "tpe": "learns from the trials before (tree-structured Parzen estimator)",
    "random": "draws each trial independently",
    "grid": "takes all combinations, in random order",
}
PRUNERS = {
    "median": "ends a trial that is worse than the median of those before it at the same epoch",
    "none": "trains every trial to its end",
}
MAX_TRIALS, MAX_SEEDS, MAX_CHOICES, MAX_POINTS, MAX_COMBINATIONS = 10_000, 25, 100, 50, 10_000
MAX_TEXT_LENGTH = 40_000  # characters: an experiment and a space
USUAL_POINTS = 5  # of a range that a grid samples
REPORTS = 10  # of a trial, evenly spaced
INPUTS = {"scaling", "features", "formula"}  # fields of the data that leave the examples as they are
FIXED = {"device"} | {name for name, spec in FIELDS.items() if spec.group == DATA and name not in INPUTS}
CHANGES_LOSS = {"loss", "output", "label_smoothing", "class_weights"}  # losses before and after cannot be compared


class Span(NamedTuple):
    """All numbers from `low` to `high`. log: whether equal factors are equally likely; points: those of a grid."""

    low: float
    high: float
    log: bool = False
    points: int = USUAL_POINTS

    def grid(self, is_whole: bool) -> tuple[float, ...]:
        """`points` numbers at equal distances or factors, both ends included."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        between = (low + (high - low) * step / (self.points - 1) for step in range(1, self.points - 1))
        found = (self.low, *(math.exp(number) if self.log else number for number in between), self.high)
        return tuple(dict.fromkeys(round(number) for number in found)) if is_whole else found


Variation = Span | tuple[Any, ...]  # of a field: a span of numbers or the values to choose from


def is_whole(field: str) -> bool:
    return isinstance(DEFAULTS[field], int)


@dataclass(frozen=True)
class Study:
    """What is searched for, and how. Raises ExperimentError with a sentence for everything that is not allowed.

    experiment: with a validation part, by which trials are judged. space: field -> what it varies over. trials: the
    budget. sampler, pruner: of the tables. seeds: runs of each trial, with different initial weights; their median
    counts, so that a lucky one does not win. objective: of OBJECTIVES. seed: of the sampler.
    """

    experiment: Experiment
    space: Mapping[str, Variation]
    trials: int = 24
    sampler: str = "tpe"
    pruner: str = "median"
    seeds: int = 3
    objective: str = "validation_loss"
    seed: int = 1

    def __post_init__(self) -> None:
        problems: list[str] = []
        for name, low, high in (("trials", 1, MAX_TRIALS), ("seeds", 1, MAX_SEEDS), ("seed", 0, LARGEST_SEED)):
            value = getattr(self, name)
            if not _is_number(value) or value != int(value) or not low <= value <= high:
                problems.append(_refusal(name, value, f"a whole number from {low} to {high:,}"))
            else:
                object.__setattr__(self, name, int(value))
        for name, table in (("sampler", SAMPLERS), ("pruner", PRUNERS)):
            if not isinstance(value := getattr(self, name), str) or value not in table:
                problems.append(_refusal(name, value, " or ".join(table)))
        problems += self._problems_of_objective()
        if not self.experiment.validation_share:
            problems.append(_refusal("validation_share", 0, "more than 0: trials are judged by the validation part"))
        try:
            object.__setattr__(self, "space", self._checked_space(self.space))
        except ExperimentError as problem:
            problems += problem.sentences
        if problems:
            raise ExperimentError(problems)

    @property
    def _score(self) -> str:
        return "validation_accuracy" if self.experiment.source.kind == "classification" else "validation_r2"

    def _problems_of_objective(self) -> list[str]:
        allowed, given = ("validation_loss", self._score), self.objective
        if isinstance(given, str) and given in allowed:
            return []
        if isinstance(given, str) and given.startswith("test"):
            why = "because a test part by which one chooses cannot tell any more how good a network is on new examples"
            return [f"objective: {short(given)} is not allowed, {why}; allowed: {' or '.join(allowed)}."]
        return [_refusal("objective", given, " or ".join(allowed))]

    def _checked_space(self, given: Any) -> dict[str, Variation]:
        """The space with the values that its texts mean. Raises ExperimentError."""
        if not isinstance(given, Mapping) or not given:
            example = '{"learning_rate": {"low": 0.003, "high": 0.3, "log": true}, "hidden": [[16], [32]]}'
            raise ExperimentError([_refusal("space", given, f"at least one field and what it varies over: {example}")])
        found: dict[str, Variation] = {}
        problems: list[str] = []
        for name, variation in given.items():
            try:
                found[name] = self._checked(name, variation)
            except ExperimentError as problem:
                problems += [f"space: {sentence}" for sentence in problem.sentences]
        combinations = math.prod(len(values) for values in _grid(found).values())
        if self.sampler == "grid" and combinations > MAX_COMBINATIONS:
            problems.append(f"space: a grid of {combinations:,} combinations; allowed: at most {MAX_COMBINATIONS:,}.")
        if problems:
            raise ExperimentError(problems)
        return found

    def _checked(self, name: str, given: Any) -> Variation:
        """What a field varies over. Raises ExperimentError."""
        if name not in FIELDS or name in FIXED:
            allowed = ", ".join(field for field in FIELDS if field not in FIXED)
            why = "is no field of an experiment" if name not in FIELDS else "must be the same in all trials"
            raise ExperimentError([f"{short(name)} {why}; allowed: {allowed}."])
        if name in CHANGES_LOSS and self.objective == "validation_loss":
            why = "it changes the loss itself, so that losses cannot be compared"
            raise ExperimentError([f"{name}: {why}; allowed: with the objective {self._score}."])
        if isinstance(given, Span):
            given = given._asdict()
        if isinstance(given, Mapping):
            return self._checked_span(name, given)
        if not isinstance(given, list | tuple) or not 1 <= len(given) <= MAX_CHOICES:
            allowed = f"a list of 1 to {MAX_CHOICES} values" + (
                ', or {"low": ..., "high": ...}' if isinstance(FIELDS[name].allowed, Range) else ""
            )
            raise ExperimentError([_refusal(name, given, allowed)])
        values = tuple(self._value(name, value) for value in given)
        if len({*values}) < len(values):
            raise ExperimentError([_refusal(name, given, "each value once")])
        return values

    def _checked_span(self, name: str, given: Mapping[str, Any]) -> Span:
        if not isinstance(FIELDS[name].allowed, Range):
            raise ExperimentError([_refusal(name, dict(given), "a list of values, as it has no range")])
        if unknown := [key for key in given if key not in Span._fields]:
            raise ExperimentError([f"{name}: {short(unknown[0])} is unknown; allowed: {', '.join(Span._fields)}."])
        values: Any = tuple(given.get(key) for key in Span._fields)
        low, high, log, points = values
        whole = is_whole(name)
        for value in (low, high):
            if not _is_number(value) or (whole and value != int(value)):
                raise ExperimentError([_refusal(name, value, FIELDS[name].allowed.text)])
            self._value(name, value)
        if low >= high:
            raise ExperimentError([f"{name}: low must be less than high, not {short(low)} and {short(high)}."])
        if log not in (None, True, False) or (log and low <= 0):
            raise ExperimentError([_refusal(name, f"log {log}", 'with "log": true only low above 0; otherwise false')])
        points = USUAL_POINTS if points is None else points
        if not _is_number(points) or points not in range(2, MAX_POINTS + 1):
            raise ExperimentError([_refusal(name, f"points {short(points)}", f"2 to {MAX_POINTS}")])
        number = int if whole else float
        return Span(number(low), number(high), bool(log), int(points))

    def _value(self, name: str, value: Any) -> Any:
        """A value of a field as an experiment has it. Raises ExperimentError."""
        if isinstance(value, list):
            value = tuple(value)
        try:
            return getattr(self.experiment.change(**{name: value}), name)
        except (RecursionError, OverflowError):
            raise ExperimentError([_refusal(name, value, FIELDS[name].allowed.text)]) from None

    @property
    def direction(self) -> Direction:
        return OBJECTIVES[self.objective]

    @property
    def worst(self) -> float:
        """The value of a run that diverged."""
        return math.inf if self.direction == "minimize" else -math.inf

    @property
    def grid(self) -> dict[str, tuple[Any, ...]]:
        """Field -> the values that a grid combines."""
        return _grid(self.space)

    @property
    def budget(self) -> int:
        """The number of trials: a grid ends with its last combination."""
        combinations = math.prod(len(values) for values in self.grid.values())
        return min(self.trials, combinations) if self.sampler == "grid" else self.trials

    @property
    def report_every(self) -> int:
        """Epochs from one report of a trial to the next, by which trials are compared and pruned."""
        return max(1, epochs_to_finish(self.experiment) // REPORTS)

    @property
    def name(self) -> str:
        """The same for studies whose trials are the same, however many they are."""
        values = {key: value for key, value in self.to_values().items() if key != "trials"}
        digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
        return f"{self.experiment.dataset}-{self.sampler}-{digest[:12]}"

    def experiments(self, point: Mapping[str, Any]) -> tuple[Experiment, ...]:
        """The runs of a trial, which differ in their initial weights. Raises ExperimentError.

        The examples and their parts are the same in all of them: otherwise test examples of one were used for
        training by another, and the study would choose by them.
        """
        e = self.experiment.change(**point)
        seeds = (later_seed(e.weight_seed or e.seed, number) for number in range(1, self.seeds))
        return e, *(e.change(weight_seed=seed) for seed in seeds)

    def to_values(self) -> dict[str, Any]:
        """As in a file."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        space = {name: v._asdict() if isinstance(v, Span) else list(v) for name, v in self.space.items()}
        return values | {"experiment": self.experiment.model_dump(mode="json"), "space": space}

    @classmethod
    def with_notes_from_json(cls, text: str, **more: Any) -> tuple[Study, list[str]]:
        """A study from JSON, and a sentence for what was added. Raises ExperimentError.

        more: fields of the experiment beside those of the text.
        """
        values = parse_json(text, MAX_TEXT_LENGTH, "one JSON object that describes a study")
        names = [field.name for field in fields(cls)]
        if not isinstance(values, dict):
            raise ExperimentError([f"A study is one JSON object; allowed: {', '.join(names)}."])
        if unknown := [name for name in values if name not in names]:
            allowed = ", ".join(names)
            raise ExperimentError([f"{short(name)} is no field of a study; allowed: {allowed}." for name in unknown])
        if not isinstance(given := values.get("experiment", {}), dict):
            raise ExperimentError([_refusal("experiment", given, 'fields and values, such as {"dataset": "digits"}')])
        experiment, notes = Experiment.with_notes_from_json(json.dumps(given), **more)
        if not experiment.validation_share:
            experiment = experiment.change(validation_share=USUAL_VALIDATION_SHARE)
            notes.append(
                f"{USUAL_VALIDATION_SHARE:.0%} of the training part was set aside as validation part, by which trials "
                "are judged: the test part only reports how good the best one is."
            )
        values: dict[str, Any] = {"space": None, **values, "experiment": experiment}
        return cls(**values), notes


def _grid(space: Mapping[str, Variation]) -> dict[str, tuple[Any, ...]]:
    return {name: v.grid(is_whole(name)) if isinstance(v, Span) else v for name, v in space.items()}


def _is_number(value: Any) -> bool:
    """Whether it is a finite number; true and false are none."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def _refusal(name: str, value: Any, allowed: str) -> str:
    shown = json.dumps(value) if isinstance(value, dict | list) and _is_shallow(value) else value
    return f"{name}: {short(shown)} is not allowed; allowed: {allowed}."


def _is_shallow(value: Any) -> bool:
    """Whether it can be written without recursion trouble."""
    try:
        json.dumps(value)
    except (ValueError, TypeError, RecursionError):
        return False
    return True
