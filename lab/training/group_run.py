"""The members of a group, trained one after the other, or those of a grid of tiles at the same time.

Members that differ only in what a running network accepts, or in their initial weights, share one trainer: it starts
again from another snapshot, and so has the same bits as a trainer of its own.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import numpy as np

from data import Dataset
from engine.backend import has_lost_context, is_out_of_memory
from engine.formulas.metrics import Scores
from engine.network.network import Network
from engine.training.trainer import Trainer
from lab.experiment.architecture import architecture_of
from lab.experiment.experiment import Experiment
from lab.experiment.fields import DATA, FIELDS, LIVE
from lab.experiment.group import Group
from lab.experiment.rules import ExperimentError
from lab.training.build import MEMORY_ADVICE, build, generators, layers
from lab.training.change_log import fingerprint
from lab.training.probes import PlaneMap
from lab.training.replayed_training import ReplayedTraining

MAP_SIDE = 40  # points along a side of a member's map
ROUNDS = 10  # in which members that train at the same time take turns
KEPT_PARAMETERS, KEPT_TRAINERS = 100_000, 64  # of the trainers that the groups of a run keep, beside the present one
OF_PROGRAM = {"batch_size", "l1", "l2", "weight_decay", "max_norm", "clip_norm", "clip_value"}
SHARED = {*LIVE, "weight_seed"} - OF_PROGRAM  # fields whose change needs neither another trainer nor another program
OF_DATA = {name for name, spec in FIELDS.items() if spec.group == DATA} - {"weight_seed"}


class Outcome(NamedTuple):
    """What became of a member. status: done, stopped (by a rule of its own) or diverged. epochs: of its own.

    losses, scores: (epochs + 1,) of the compared part from its first own epoch on, which stay where they are after a
    rule has ended the run; from its divergence on they are infinite: worse than any other. map: (side, side)
    bytes of its plane, or None. fingerprint: of its last weights.
    """

    status: str
    epochs: int
    losses: np.ndarray
    scores: np.ndarray
    map: np.ndarray | None
    fingerprint: str


class Known(NamedTuple):
    """Data that is there already, and the experiment that it was made for."""

    experiment: Experiment
    dataset: Dataset


class Prepared(NamedTuple):
    """A trainer, the experiment that it was made for, its data, and the map of its plane."""

    experiment: Experiment
    dataset: Dataset
    trainer: Trainer
    map: PlaneMap | None


class Trains(Protocol):
    """What trains beside a run."""

    def fail(self, problem: str) -> None:
        """End it because of a problem, a sentence."""
        ...


@contextmanager
def failing(group: Trains) -> Iterator[None]:
    """A group that cannot be trained is no fault of its run. Raises only what the process does not survive."""
    try:
        yield
    except Exception as problem:
        if has_lost_context(problem):
            raise
        if isinstance(problem, ExperimentError):
            return group.fail(str(problem))
        if is_out_of_memory(problem):
            return group.fail(f"There is no memory left for these runs. {MEMORY_ADVICE}")
        traceback.print_exc()
        group.fail(f"Training failed ({type(problem).__name__}).")


def bound(present: GroupRun, others: Iterable[GroupRun]) -> None:
    """Let groups that do not train now give up their trainers where all of them together keep too many."""
    kept = present.trainers
    for group in others:
        if group is not present:
            more = kept + group.trainers
            size = sum(len(trainer.network.parameters) for trainer in more)
            if len(more) > KEPT_TRAINERS or size > KEPT_PARAMETERS:
                group.release()
            else:
                kept = more


def prepare(e: Experiment, known: Iterable[Known | Prepared]) -> Prepared:
    """What trains an experiment, with data that is known already if it is the same."""
    alike = (each.dataset for each in known if not each.experiment.changed_fields(e).keys() & OF_DATA)
    dataset, trainer = build(e, dataset=next(alike, None))
    return Prepared(e, dataset, trainer, PlaneMap(dataset, trainer, MAP_SIDE) if dataset.encode else None)


class GroupRun:
    """Owns the trainers of a group, one for each value if they are small, and the outcomes so far.

    first: the number of the member that the outcomes begin with. problem: a sentence where one could not be trained,
    which ends the group.
    """

    def __init__(
        self, group: Group, clock: Callable[[], float] = time.perf_counter, known: Known | None = None, first: int = 0
    ) -> None:
        """known: data that members use, too, if it is theirs."""
        self.group, self.clock, self._known, self.first = group, clock, known, first
        self.outcomes: list[Outcome] = []
        self.problem = ""
        self.extent: tuple[float, float] | None = None
        self._prepared: dict[int, Prepared] = {}  # by the place of the value; the latest one last
        self._trainings: dict[int, ReplayedTraining] = {}  # by the number of the member

    @property
    def finished(self) -> bool:
        return bool(self.problem) or self._number == len(self.group.members)

    @property
    def _number(self) -> int:
        """That of the first member without an outcome."""
        return self.first + len(self.outcomes)

    @property
    def trainers(self) -> list[Trainer]:
        return [each.trainer for each in self._prepared.values()]

    def is_ready(self) -> bool:
        """Whether `advance` has something to do, and does not wait for the compiler."""
        trainings = self._trainings.values()
        return not trainings or any(self._can_go_on(each) for each in trainings)

    @np.errstate(all="ignore")
    def advance(self, seconds: float) -> None:
        """Train for about `seconds`; a member is built as one piece."""
        ends = self.clock() + seconds
        while not self.finished and self._go_on(ends):
            while (training := self._trainings.get(self._number)) and self._is_done(training):
                del self._trainings[self._number]
                self.outcomes.append(self._outcome(self._number))
            if self.clock() >= ends:
                break
        if self.finished:
            self.release()
            self._known = None

    def _go_on(self, ends: float) -> bool:
        """Train the member that is furthest behind, up to a time; returns whether there is one that can train."""
        numbers = range(self._number, min(self._number + self._width, len(self.group.members)))
        for new in [number for number in numbers if number not in self._trainings][:1]:
            self._trainings[new] = self._begun(new)
        going = [training for training in self._trainings.values() if self._can_go_on(training)]
        behind = min(going, key=lambda training: training.trainer.epochs, default=None)
        if behind is None:
            return False
        epochs = self._last_epoch
        if len(numbers) > 1:
            epochs = min(epochs, behind.trainer.epochs + -(-self.group.epochs // ROUNDS))
        behind.advance(max(0.0, ends - self.clock()), epochs, self.clock)
        return True

    @property
    def _last_epoch(self) -> int:
        return self.group.first_epoch + self.group.epochs

    def _is_done(self, training: ReplayedTraining) -> bool:
        return training.has_ended or training.trainer.epochs >= self._last_epoch

    def _can_go_on(self, training: ReplayedTraining) -> bool:
        return not self._is_done(training) and training.trainer.is_ready()

    @property
    def _width(self) -> int:
        """How many members train at the same time."""
        if not self.group.field2 or not self._prepared:
            return 1
        size = max(len(trainer.network.parameters) for trainer in self.trainers)
        return max(1, min(self.group.places, KEPT_TRAINERS, KEPT_PARAMETERS // size))

    def fail(self, problem: str) -> None:
        """End the group because of a problem, a sentence."""
        self.problem = problem
        self.release()

    def release(self) -> None:
        """Give up all trainers; members that are not done begin again when it is their turn."""
        self._prepared.clear()
        self._trainings.clear()

    def _begun(self, number: int) -> ReplayedTraining:
        """The training of a member."""
        place, replay = self.group.members[number].place, self.group.replay_of(number)
        e = replay.experiment
        busy = {self.group.members[other].place for other in self._trainings}
        suits = (
            at
            for at, each in self._prepared.items()
            if at not in busy and each.experiment.changed_fields(e).keys() <= SHARED
        )
        if known := self._prepared.pop(next(suits, -1), None):  # of this value or of another
            for_weights, for_batches, for_dropout = generators(e)
            network = Network(layers(architecture_of(e).layers, for_dropout), known.trainer.network.inputs,
                              rng=for_weights, dtype=e.dtype)  # fmt: skip
            known.trainer.begin(e.settings(), *network.get_state(), {"batches": for_batches, **network.rngs})
            self._prepared[place] = known._replace(experiment=e)
        else:
            self._prepared[place] = prepare(e, (*([self._known] if self._known else ()), *self._prepared.values()))
            size = len(self._prepared[place].trainer.network.parameters)
            for oldest in list(self._prepared)[: -max(1, min(KEPT_PARAMETERS // size, KEPT_TRAINERS))]:
                if oldest not in busy:
                    del self._prepared[oldest]
        self.extent = self._prepared[place].dataset.extent
        return ReplayedTraining(self._prepared[place].trainer, replay)

    @np.errstate(all="ignore")
    def so_far(self) -> list[Outcome]:
        """The current state of members that train at the same time, in order; later epochs have the latest value."""
        are_several = self._width > 1 or len(self._trainings) > 1
        return [self._outcome(number) for number in sorted(self._trainings)] if are_several else []

    def _outcome(self, number: int) -> Outcome:
        now, part = self._prepared[self.group.members[number].place], self.group.part
        trainer, first = now.trainer, self.group.first_epoch
        history, epochs = trainer.history, np.arange(first, first + self.group.epochs + 1)
        rows = (history.values[Scores._fields.index(f"{part}_{kind}")] for kind in ("loss", "score"))
        losses, scores = (_every_epoch(history.epochs, row, epochs) for row in rows)
        own = max(0, trainer.epochs - first)
        if trainer.divergence is not None:
            known = max(0, int(history.epochs[-1]) + 1 - first)
            losses[known:], scores[known:] = np.inf, -np.inf
        elif trainer.stopped or history.epochs[-1] < trainer.epochs:  # the best weights may have been restored
            losses[own:], scores[own:] = trainer.evaluate().of(part)
        status = "diverged" if trainer.divergence is not None else "stopped" if trainer.stopped else "done"
        return Outcome(status, own, losses, scores, now.map() if now.map else None, fingerprint(trainer))


def _every_epoch(epochs: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The latest value at each of the wanted epochs."""
    return values[np.searchsorted(epochs, wanted, side="right") - 1].astype(np.float64)
