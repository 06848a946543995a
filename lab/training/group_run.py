"""The members of a group, trained one after the other.

Members that differ only in what a running network accepts, or in their initial weights, share one trainer: it starts
again from another snapshot, and so has the same bits as a trainer of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from data import Dataset
from engine.formulas.metrics import Scores
from engine.network.network import Network
from engine.training.trainer import Trainer
from lab.experiment.architecture import architecture_of
from lab.experiment.experiment import Experiment
from lab.experiment.fields import DATA, FIELDS, LIVE
from lab.experiment.group import Group
from lab.training.build import build, generators, layers
from lab.training.probes import PlaneMap

MAP_SIDE = 40  # points along a side of a member's map
KEPT_PARAMETERS = 100_000  # of the trainers that a group keeps
SHARED = {*LIVE, "weight_seed"}  # fields whose change needs no other trainer
OF_DATA = {name for name, spec in FIELDS.items() if spec.group == DATA} - {"weight_seed"}


class Outcome(NamedTuple):
    """What became of a member. status: done, stopped (by a rule of its own) or diverged.

    losses, scores: (epochs + 1,) of the compared part, which stay where they are after a rule has ended the run; from
    its divergence on they are infinite: worse than any other. map: (side, side) bytes of its plane, or None.
    """

    status: str
    epochs: int
    losses: np.ndarray
    scores: np.ndarray
    map: np.ndarray | None


class Prepared(NamedTuple):
    """A trainer, the experiment that it was made for, its data, and the map of its plane."""

    experiment: Experiment
    dataset: Dataset
    trainer: Trainer
    map: PlaneMap | None


class Known(NamedTuple):
    """Data that is there already, and the experiment that it was made for."""

    experiment: Experiment
    dataset: Dataset


class GroupRun:
    """Owns the trainers of a group, one for each value if they are small, and the outcomes so far."""

    def __init__(
        self, group: Group, clock: Callable[[], float] = time.perf_counter, known: Known | None = None
    ) -> None:
        """known: data that members use, too, if it is theirs."""
        self.group, self.clock, self._known = group, clock, known
        self.outcomes: list[Outcome] = []
        self.extent: tuple[float, float] | None = None
        self._prepared: dict[int, Prepared] = {}  # by the place of the value; the latest one last
        self._has_begun = False  # whether the latest one trains the present member

    @property
    def finished(self) -> bool:
        return len(self.outcomes) == len(self.group.members)

    def is_ready(self) -> bool:
        """Whether `advance` has something to do, and does not wait for the compiler."""
        place = self.group.members[len(self.outcomes)].place
        return not self._has_begun or self._prepared[place].trainer.is_ready()

    @np.errstate(all="ignore")
    def advance(self, seconds: float) -> None:
        """Train for about `seconds`; a member is built as one piece."""
        ends = self.clock() + seconds
        while not self.finished:
            now = self._present()
            if not now.trainer.is_ready():
                break
            now.trainer.run_for(max(0.0, ends - self.clock()), epochs=self.group.epochs)
            if now.trainer.stopped or now.trainer.divergence is not None or now.trainer.epochs >= self.group.epochs:
                self.outcomes.append(self._outcome(now))
                self._has_begun = False
            if self.clock() >= ends:
                break
        if self.finished:
            self._prepared.clear()
            self._known = None

    def _present(self) -> Prepared:
        """What trains the present member."""
        place, e = self.group.members[len(self.outcomes)]
        if self._has_begun:
            return self._prepared[place]
        self._has_begun = True
        known = self._prepared.pop(place, None)
        if known and known.experiment.changed_fields(e).keys() <= SHARED:
            for_weights, for_batches, for_dropout = generators(e)
            network = Network(layers(architecture_of(e).layers, for_dropout), known.trainer.network.inputs,
                              rng=for_weights, dtype=e.dtype)  # fmt: skip
            known.trainer.begin(e.settings(), *network.get_state(), {"batches": for_batches, **network.rngs})
            self._prepared[place] = known._replace(experiment=e)
        else:
            self._prepared[place] = self._built(e)
            size = len(self._prepared[place].trainer.network.parameters)
            for oldest in list(self._prepared)[: -max(1, KEPT_PARAMETERS // size)]:
                del self._prepared[oldest]
        self._prepared[place].trainer.wait_for_compiler()
        return self._prepared[place]

    def _built(self, e: Experiment) -> Prepared:
        known = (*([self._known] if self._known else ()), *self._prepared.values())
        alike = (each.dataset for each in known if not each.experiment.changed_fields(e).keys() & OF_DATA)
        dataset, trainer = build(e, dataset=next(alike, None))
        self.extent = dataset.extent if dataset.encode else None
        return Prepared(e, dataset, trainer, PlaneMap(dataset, trainer, MAP_SIDE) if self.extent else None)

    def _outcome(self, now: Prepared) -> Outcome:
        trainer, count, part = now.trainer, self.group.epochs + 1, self.group.part
        history = trainer.history
        rows = (history.values[Scores._fields.index(f"{part}_{kind}")] for kind in ("loss", "score"))
        losses, scores = (_every_epoch(history.epochs, row, count) for row in rows)
        if trainer.divergence is not None:
            known = int(history.epochs[-1]) + 1
            losses[known:], scores[known:] = np.inf, -np.inf
        elif trainer.stopped:  # the best weights may have been restored
            losses[trainer.epochs :], scores[trainer.epochs :] = trainer.evaluate().of(part)
        status = "diverged" if trainer.divergence is not None else "stopped" if trainer.stopped else "done"
        return Outcome(status, trainer.epochs, losses, scores, now.map() if now.map else None)


def _every_epoch(epochs: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """(count,) the latest value at each epoch."""
    return values[np.searchsorted(epochs, np.arange(count), side="right") - 1].astype(np.float64)
