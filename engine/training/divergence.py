"""When training goes astray: finds the first layer at which a value of a step stopped being finite.

The trainer goes back to its last sound snapshot and repeats the steps since; this looks into the one that broke.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

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
    layers = list(enumerate(trainer.network.layers, start=1))
    for number, layer in layers:
        x = layer.forward(x, train=True)
        yield f"what leaves {_place(trainer, number)}", x
    dz = trainer.objective.gradient(x, t)
    yield "the gradient of the loss", dz
    for number, layer in reversed(layers[trainer.network.first :]):
        dz = layer.backward(dz)
        if dz is not None:
            yield f"the gradient that leaves {_place(trainer, number)}", dz
    yield "the gradient of the weights", trainer.network.gradients


def _place(trainer: Trainer, number: int) -> str:
    """The layer of this number, from 1, as people count: hidden layers with all that belongs to each; the output."""
    layers = trainer.network.layers
    weighted = [bool(layer.weights) for layer in layers]
    place = max(1, sum(weighted[:number]))
    name = "the output layer" if place == sum(weighted) else f"hidden layer {place}"
    return f"{name} ({layers[number - 1]!r})"
