"""Training as a replay says, in slices; and the ways in which a running network is changed by hand."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from engine.training.trainer import Trainer
from lab.experiment.experiment import Experiment
from lab.experiment.replay import Replay, with_fields
from lab.training.diagram import dense_layers


class ReplayedTraining:
    """A trainer of the first experiment of a replay, and the changes that it has still ahead."""

    def __init__(self, trainer: Trainer, replay: Replay) -> None:
        self.trainer, self.experiment, self.ahead = trainer, replay.experiment, deque(replay.changes)
        trainer.executor.choose(replay.way or "compiled")
        trainer.prepare()

    @property
    def has_ended(self) -> bool:
        """Whether a rule has stopped it or it has diverged."""
        return bool(self.trainer.stopped) or self.trainer.divergence is not None

    def make_changes(self) -> None:
        """Those that are due."""
        while self.ahead and self.ahead[0]["step"] <= self.trainer.steps and self.trainer.divergence is None:
            match self.ahead.popleft():
                case {"fields": fields}:
                    changed = with_fields(self.experiment, fields)
                    set_fields(self.trainer, self.experiment, changed)
                    self.experiment = changed
                case {"edit": [layer, source, target, value]}:
                    if self.trainer.check():
                        edit_weight(self.trainer, layer, source, target, value)
                case {"resume": True}:
                    self.trainer.resume()

    def advance(self, seconds: float, epochs: float, clock: Callable[[], float], steps: float = np.inf) -> None:
        """Train for about `seconds`, up to a total number of epochs or steps."""
        ends = clock() + seconds
        while True:
            self.make_changes()
            if self.has_ended or self.trainer.epochs >= epochs or self.trainer.steps >= steps:
                return
            goal = min(steps, self.ahead[0]["step"] if self.ahead else np.inf)
            self.trainer.run_for(max(0.0, ends - clock()), epochs=epochs, steps=goal)
            if clock() >= ends:
                return self.make_changes()


def set_fields(trainer: Trainer, before: Experiment, after: Experiment) -> None:
    """Change live fields of a running network."""
    old, new = vars(before.settings()), vars(after.settings())
    trainer.set(**{name: value for name, value in new.items() if value != old[name]})
    trainer.prepare()


def check_weight(trainer: Trainer, layer: int, source: int, target: int) -> None:
    """Raises ValueError for a weight that does not exist; see `edit_weight`."""
    dense = dense_layers(trainer)
    if not (0 <= layer < len(dense) and -1 <= source < dense[layer].inputs and 0 <= target < dense[layer].units):
        raise ValueError("edit: there is no such weight in this network.")


def edit_weight(trainer: Trainer, layer: int, source: int, target: int, value: float) -> None:
    """Set the weight from unit `source` to unit `target` of a dense layer, or the bias of the unit with source -1.

    layer: number of the dense layer, from 0. The trainer must have been checked: the steps before an edit cannot be
    repeated after it. Raises ValueError.
    """
    check_weight(trainer, layer, source, target)
    dense = dense_layers(trainer)
    if source < 0:
        dense[layer].b[target] = value
    else:
        dense[layer].W[source, target] = value
    trainer.parameters_changed()
