"""When training goes astray: finds the first layer at which a value of a step stopped being finite.

The trainer goes back to its last sound snapshot and repeats the steps since; this looks into the one that broke.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.snapshot import restore, snapshot

if TYPE_CHECKING:
    from engine.trainer import Trainer


class Divergence(NamedTuple):
    """When and where training went astray: a value stopped being finite, or the loss exploded."""

    step: int
    epoch: int
    where: str  # the layer that overflowed first, or what exploded


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
            return where
    return "the update of the weights"


def _values(trainer: Trainer, x: np.ndarray, t: np.ndarray) -> Iterator[tuple[str, Any]]:
    """Every value of a training step, in the order in which it is computed."""
    layers = list(enumerate(trainer.network.layers, start=1))
    for number, layer in layers:
        x = layer.forward(x, train=True)
        yield f"layer {number}, {layer!r}", x
    dz = trainer.objective.gradient(x, t)
    yield "the gradient of the loss", dz
    for number, layer in reversed(layers[trainer.network.first :]):
        dz = layer.backward(dz)
        if dz is not None:
            yield f"the gradient that leaves layer {number}, {layer!r}", dz
    yield "the gradient of the weights", trainer.network.gradients
