"""Response curves of a run: for a field, the result of training with each of its values, everything else as it is.

Each curve is a group of runs that trains while a page asks for it. When a field changes,
its own curve stays as it is, and those of all other fields start over.
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.counted import counted, tied
from engine import ACTIVATIONS
from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.fields import FIELDS
from lab.experiment.group import (
    AT_ONCE_S,
    MAX_EPOCHS,
    Group,
    epochs_to_finish,
    fields_to_vary,
    present_value,
    values_of,
)
from lab.protocol.messages import GetResponses
from lab.training.group_run import MAP_SIDE, GroupRun, Known
from lab.training.spread import spread

ASKED_S = 1.0  # after the latest request; then nothing is trained
BEGIN_S = 0.006  # of an answer, after which it describes no further new group; the page asks again soon
SEEDS = (5, 3, 1)  # as many as the time allows


@dataclass
class Response:
    """The curve of a field. values: all of the slider or menu, some of which may not fit this experiment.

    others: all other fields. run: None where there is a problem, which is a sentence.
    """

    serial: int
    others: dict[str, Any]
    values: tuple[Any, ...]
    run: GroupRun | None = None
    problem: str = ""


class ResponseCurves:
    """Owns the groups of the fields that a page has asked for, and decides which of them trains."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._responses: dict[str, Response] = {}
        self._serial = secrets.randbelow(10**6)  # differs from that of a restarted worker
        self._allowed: tuple[str, ...] = ()  # fields that may train, the most urgent one first
        self._asked = -np.inf
        self._experiment: Experiment | None = None  # that the responses belong to

    def due(self) -> GroupRun | None:
        """The group that should train now: one that waits for no compiler, with the fewest runs of each value."""
        if self.clock() - self._asked > ASKED_S:
            return None
        runs = (self._responses[field].run for field in self._allowed if field in self._responses)
        unfinished = [run for run in runs if run and not run.finished]
        # After the first run of each value the fields come one after the other, so that only one keeps its trainers.
        return min(unfinished, key=lambda run: (not run.is_ready(), min(1, _rounds(run))), default=None)

    @property
    def groups(self) -> list[GroupRun]:
        return [response.run for response in self._responses.values() if response.run]

    def release_unwatched(self) -> None:
        """Give up the trainers of curves for which nobody asks any more."""
        if self.clock() - self._asked > ASKED_S:
            for group in self.groups:
                group.release()

    def answer(self, known: Known, request: GetResponses) -> dict[str, Any]:
        """What has changed since the versions that the page names, as plain values.

        known: the experiment of the run, and its data.
        responses: field -> curve, see `_described`; finished: whether nothing more will change by itself; maps: of the
        field that the request names.
        """
        e = known.experiment
        if e != self._experiment:
            self._forget_changed(e)
        self._experiment, self._asked = e, self.clock()
        able = fields_to_vary(e)
        fields = [field for field in request.fields if field in able]
        for field in fields:
            if field not in self._responses:
                self._responses[field] = self._begun(field, known, request.refused)
                if self.clock() - self._asked > BEGIN_S:
                    break
        there = [field for field in fields if field in self._responses]
        trained = () if request.refused else there
        self._allowed = tuple(field for field in trained if not self._waits(field, request))
        versions = {field: self._version(field, e, request) for field in there}
        new = {
            field: {"version": version, **self._described(field, e, request)}
            for field, version in versions.items()
            if version != request.fields[field]
        }
        runs = (self._responses[field].run for field in self._allowed)
        finished = len(there) == len(fields) and all(run is None or run.finished for run in runs)
        return {"responses": new, "finished": finished, "maps": self._maps(request.maps)}

    def _forget_changed(self, e: Experiment) -> None:
        """Drop what another experiment makes different."""
        able = fields_to_vary(e)
        for field, response in list(self._responses.items()):
            if field not in able or (response.others, response.values) != _origin(field, e):
                del self._responses[field]

    def _begun(self, field: str, known: Known, refused: str) -> Response:
        e, (others, values) = known.experiment, _origin(field, known.experiment)
        self._serial += 1
        response = Response(self._serial, others, values, problem=refused)
        if refused:
            return response
        try:
            one = _group(e, field, values, 1)
            seeds = next((count for count in SEEDS if count * one.seconds <= AT_ONCE_S), SEEDS[-1])
            group = one if seeds == 1 else _group(e, field, one.values, seeds)
            response.run = GroupRun(group, known=known)
        except ExperimentError as problem:
            response.problem = str(problem)
        return response

    def _waits(self, field: str, request: GetResponses) -> bool:
        """Whether it takes so long that a person must ask for it."""
        run = self._responses[field].run
        return run is not None and run.group.seconds > AT_ONCE_S and field not in request.begun

    def _version(self, field: str, e: Experiment, request: GetResponses) -> str:
        """Differs wherever the description does."""
        response, waits = self._responses[field], self._waits(field, request)
        runs, fails = (len(response.run.outcomes), bool(response.run.problem)) if response.run else (0, True)
        return f"{response.serial}.{_place(present_value(field, e), response.values)}.{runs}.{waits:d}.{fails:d}"

    def _described(self, field: str, e: Experiment, request: GetResponses) -> dict[str, Any]:
        """A curve as plain values.

        values, texts: all of them, in order; points: for each [first quartile, median, third quartile, number of
        diverged runs, number of runs], None where nothing is known; a number is None where it is infinite. present,
        best: places among the values. places: how many of them fit the experiment, so that they have runs.
        """
        response, spec = self._responses[field], FIELDS[field]
        present = present_value(field, e)
        facts: dict[str, Any] = {
            "serial": response.serial, "label": spec.label, "values": response.values,
            "texts": [_text(field, value, e) for value in response.values], "present": _place(present, response.values),
            "ordered": bool(spec.steps), "problem": response.problem or (response.run.problem if response.run else ""),
        }  # fmt: skip
        if (run := response.run) is None or run.problem:
            return facts
        group, figure = run.group, run.group.figure
        worse = 1 if figure == "loss" else -1
        finals = {value: _finals(run, number, figure) for number, value in enumerate(group.values)}
        quartiles = {v: [float(x) for x in spread(worse * f)[1:4]] for v, f in finals.items() if len(f)}
        best = min(quartiles, key=lambda value: (quartiles[value][1], value != present), default=None)
        points = [_point(quartiles.get(value), finals.get(value), worse) for value in response.values]
        return facts | {
            "points": points, "best": _place(best, response.values), "part": group.part, "figure": figure,
            "epochs": group.epochs, "runs": len(run.outcomes), "places": group.places, "total": len(group.members),
            "waits": self._waits(field, request), "seconds": group.seconds,
            "sentence": _sentence(facts, points, best, group, figure),
        }  # fmt: skip

    def _maps(self, field: str) -> dict[str, Any] | None:
        """The maps of the first run of each value."""
        response = self._responses.get(field)
        if response is None or response.run is None or not response.run.outcomes or response.run.extent is None:
            return None
        values = response.run.group.values
        found = dict(zip(values, (outcome.map for outcome in response.run.outcomes), strict=False))
        packed = [_packed(found.get(value)) for value in response.values]
        return {"field": field, "serial": response.serial, "side": MAP_SIDE, "maps": packed}


def _origin(field: str, e: Experiment) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """What the curve of a field depends on: all other fields, and the values."""
    return {name: value for name, value in e if name != field}, values_of(field, e)


def _place(value: Any, values: tuple[Any, ...]) -> int | None:
    return values.index(value) if value in values else None


def _is_valid(e: Experiment, field: str, value: Any) -> bool:
    try:
        return bool(e.change(**{field: value}))
    except ExperimentError:
        return False


def _group(e: Experiment, field: str, values: Sequence[Any], seeds: int) -> Group:
    """The group of those values that fit the experiment. Raises ExperimentError."""
    epochs = min(epochs_to_finish(e), MAX_EPOCHS)
    try:
        return Group(e, field, tuple(values), seeds, epochs=epochs)
    except ExperimentError:
        valid = tuple(value for value in values if _is_valid(e, field, value))
        if len(valid) == len(values):
            raise
        return Group(e, field, valid, seeds, epochs=epochs)


def _rounds(run: GroupRun) -> int:
    """How many runs of each value are done."""
    return len(run.outcomes) // run.group.places


def _finals(run: GroupRun, place: int, figure: str) -> np.ndarray:
    outcomes = run.outcomes[place :: run.group.places]
    return np.array([(outcome.losses if figure == "loss" else outcome.scores)[-1] for outcome in outcomes])


def _point(quartiles: list[float] | None, finals: np.ndarray | None, worse: int) -> list[Any] | None:
    if quartiles is None or finals is None:
        return None
    shown = [worse * value if np.isfinite(value) else None for value in quartiles[::worse]]
    return [*shown, int((~np.isfinite(finals)).sum()), len(finals)]


def _text(field: str, value: Any, e: Experiment) -> str:
    if field == "activations":
        return ACTIVATIONS[value].label if isinstance(value, str) else "one per layer"
    return FIELDS[field].text(value, e)


def _sentence(facts: dict[str, Any], points: list[Any], best: Any, group: Group, figure: str) -> str:
    """The curve in words."""
    if best is None:
        return ""
    texts, name = facts["texts"], f"{group.part} {figure}"
    runs = min(point[4] for point in points if point)
    place = facts["values"].index(best)
    if points[place][1] is None:
        return "Most runs diverged with every value."
    of = f"median of {runs} runs" if runs > 1 else "one run of each value"
    word = "lowest" if figure == "loss" else "highest"
    said = f"{word.capitalize()} {name} after {counted(group.epochs, 'epoch')}: {points[place][1]:.3g}, "
    medians = [point[1] for point in points if point]
    said += f"with {texts[place]}{tied(medians, points[place][1], 'value')} ({of})"
    present = facts["present"]
    if present is not None and present != place and points[present]:
        value = points[present][1]
        said += f"; yours, {texts[present]}: " + ("diverged" if value is None else f"{value:.3g}")
    diverged = [text for text, point in zip(texts, points, strict=True) if point and point[3]]
    return said + (f". Runs diverged with {', '.join(diverged)}." if diverged else ".")


def _packed(map: np.ndarray | None) -> str | None:
    return None if map is None else base64.b64encode(map.tobytes()).decode()
