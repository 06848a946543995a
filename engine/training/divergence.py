"""Divergence: the first value of a training step that is not finite.

The guard keeps a snapshot of the last state with finite parameters. When they overflow, it restores the snapshot,
repeats the steps since then, and examines the one that failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from engine.network.network import Network
from engine.network.observe import observe
from engine.step.data import Data
from engine.step.executor import Executor
from engine.step.progress import Progress, Snapshot
from engine.step.update import StepFormulas

TOO_LARGE = "is too large for a number"
STEPS_AT_ONCE = 32  # repeated before the parameters are examined
EXPLODED_LOSS_RATIO = 5.0  # to the loss of the untrained network


class Divergence(NamedTuple):
    """When and where training diverged: a value stopped being finite, or the loss exploded."""

    step: int
    epoch: int
    where: str  # clause that names the value which overflowed first, or the loss that rose


def has_exploded(loss: Any, untrained_loss: float) -> Any:
    """Whether a training loss, or each of an array, is NaN or far above that of the untrained network."""
    return np.logical_not(loss <= EXPLODED_LOSS_RATIO * untrained_loss)


def rise(loss: float, untrained_loss: float) -> str:
    """Clause about a training loss that has exploded."""
    if not np.isfinite(loss):
        return f"the loss {TOO_LARGE}"
    ratio = loss / untrained_loss
    return f"the loss rose to {loss:.3g}, {ratio:{',.0f' if ratio < 1e6 else '.3g'}} times that of the initial weights"


class Guard:
    """Checks the parameters of a run, and undoes the steps since they were last finite."""

    def __init__(self, data: Data, formulas: StepFormulas, progress: Progress, executor: Executor) -> None:
        self.data, self.formulas, self.progress, self.executor = data, formulas, progress, executor
        self.safe = progress.snapshot()

    def is_finite(self) -> bool:
        """Whether all parameters are finite numbers. The executor must be synchronized."""
        p = self.formulas.network.parameters
        return bool(np.isfinite(p.dot(p)) or np.isfinite(p).all())

    def save(self, snapshot: Snapshot | None = None) -> None:
        """Keep a snapshot, by default the current state, to return to."""
        self.safe = snapshot or self.progress.snapshot()

    def replay_to_divergence(self) -> Divergence:
        """Restore the saved state, repeat the steps up to the one that failed, and find its first overflow."""
        progress, last, before = self.progress, self.progress.steps, self.safe
        for count in (STEPS_AT_ONCE, 1):
            progress.restore(before)
            while progress.steps < last and self.is_finite():
                before = progress.snapshot()
                self._steps(min(count, last - progress.steps))
        batch, step, epoch = progress.batch, progress.steps, progress.epochs
        progress.restore(before)
        where = self._first_overflow(batch)
        progress.restore(before)
        return Divergence(step, epoch, where)

    def replay_to(self, step: int) -> None:
        """Restore the saved state and repeat the steps up to number `step` of the run."""
        self.progress.restore(self.safe)
        while self.progress.steps < step:
            self._steps(step - self.progress.steps)

    def training_loss_ratio(self, first: Snapshot) -> float:
        """The loss in training mode divided by that of the network `first`. Restores the state."""
        x, t, _ = self.data.evaluated["train"]
        before, losses = self.progress.snapshot(), []
        for snapshot in (before, first):
            self.progress.restore(snapshot)
            losses.append(float(self.formulas.objective.value(self.formulas.network.forward(x, train=True), t)))
        self.progress.restore(before)
        return losses[0] / losses[1]

    def _steps(self, limit: int) -> None:
        self.executor.steps(limit)
        self.executor.synchronize()

    def _first_overflow(self, batch: np.ndarray) -> str:
        """The first value of a step on samples with numbers (N,) that is not finite. Changes what a step changes."""
        x, t, _ = self.data.train
        for where, value in _values(self.formulas, x[batch], t[batch]):
            if not np.isfinite(value).all():
                return f"{where} {TOO_LARGE}"
        return f"the update of the weights {TOO_LARGE}"


def _values(formulas: StepFormulas, x: np.ndarray, t: np.ndarray) -> Iterator[tuple[str, Any]]:
    """Every value of a training step, in the order in which it is computed."""
    network = formulas.network
    with observe(network) as seen:
        dz = formulas.objective.gradient(network.forward(x, train=True), t)
        network.backward(dz)
    for name, output in seen.outputs.items():
        yield f"what leaves {_place(network, name)}", output
    yield "the gradient of the loss", dz
    for name, gradient in seen.input_gradients.items():
        yield f"the gradient that leaves {_place(network, name)}", gradient
    yield "the gradient of the weights", network.gradients


def _place(network: Network, name: str) -> str:
    """Description of a layer, such as "hidden layer 2 (Activation(tanh))"."""
    return f"{network.title(name).lower().replace('output', 'the output')} ({network[name]!r})"
