"""When training goes astray: finds the first layer at which a value of a step stopped being finite.

The trainer goes back to its last sound snapshot and repeats the steps since; this looks into the one that broke.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.network.network import Network
from engine.network.observe import observe
from engine.training.snapshot import restore, snapshot

if TYPE_CHECKING:
    from engine.training.trainer import Trainer

TOO_LARGE = "is too large for a number"


class Divergence(NamedTuple):
    """When and where training went astray: a value stopped being finite, or the loss exploded."""

    step: int
    epoch: int
    where: str  # half a sentence: what overflowed first, or exploded


def go_back(trainer: Trainer, safe: dict[str, Any]) -> Divergence:
    """Repeat the steps since the sound snapshot `safe`; stop before the one that broke, and say what broke in it."""
    last, before = trainer.steps, safe
    restore(trainer, safe)
    while trainer.steps < last and trainer.finite():
        before = snapshot(trainer)
        trainer.play()
    batch, step, epoch = trainer.batch, trainer.steps, trainer.epochs
    restore(trainer, before)
    where = _first_overflow(trainer, batch)
    restore(trainer, before)
    return Divergence(step, epoch, where)


def _first_overflow(trainer: Trainer, batch: np.ndarray) -> str:
    """Where a step on these samples, (N,) numbers, first leaves the finite numbers. Disturbs what a step changes."""
    for where, value in _values(trainer, trainer.x_train[batch], trainer.t_train[batch]):
        if not np.isfinite(value).all():
            return f"{where} {TOO_LARGE}"
    return f"the update of the weights {TOO_LARGE}"


def _values(trainer: Trainer, x: np.ndarray, t: np.ndarray) -> Iterator[tuple[str, Any]]:
    """Every value of a training step, in the order in which it is computed."""
    network = trainer.network
    with observe(network) as seen:
        dz = trainer.objective.gradient(network.forward(x, train=True), t)
        network.backward(dz)
    for name, output in seen.outputs.items():
        yield f"what leaves {_place(network, name)}", output
    yield "the gradient of the loss", dz
    for name, gradient in seen.input_gradients.items():
        yield f"the gradient that leaves {_place(network, name)}", gradient
    yield "the gradient of the weights", network.gradients


def _place(network: Network, name: str) -> str:
    """A layer in words: "hidden layer 2 (Activation(tanh))"."""
    return f"{network.title(name).lower().replace('output', 'the output')} ({network[name]!r})"
