"""Diagnostics of each layer: sizes of signals and gradients, dead and saturated units, and relative updates.

The values come from one training step that is undone afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from engine.network.layers import Activation, Layer
from engine.network.observe import observe
from engine.training.trainer import Trainer

DIAGNOSED_SAMPLES = 256  # enough for shares and deviations, few enough for several diagnoses per second
FLAT_SLOPE_SHARE = 0.01  # a slope below this share of the steepest one counts as flat


class LayerReport(NamedTuple):
    """One layer on one batch. Shares are NaN where they are not defined."""

    name: str
    activation_mean: float  # of the layer's output
    activation_std: float
    gradient_mean: float  # of the loss with respect to the layer's output
    gradient_std: float
    dead: float  # share of units whose slope is zero for every sample, so that they cannot learn from this batch
    saturated: float  # share of (sample, unit) pairs where the activation function is almost flat
    update_to_weight: float  # norm of the update divided by that of the parameters; about 0.001 is healthy


class LayerLook(NamedTuple):
    """A report and its sources: outputs of the layer and gradients with respect to them, both (N, ...)."""

    report: LayerReport
    activations: np.ndarray
    gradients: np.ndarray  # empty below the first layer with parameters


def diagnose(trainer: Trainer, batch: np.ndarray | None = None) -> list[LayerReport]:
    """A report on each layer, in the order of Network.walk. batch: sample numbers (N,), by default the first."""
    return [look.report for look in examine(trainer, batch).values()]


def examine(trainer: Trainer, batch: np.ndarray | None = None) -> dict[str, LayerLook]:
    """Layer name -> report and arrays; see `diagnose`."""
    batch = np.arange(min(DIAGNOSED_SAMPLES, len(trainer.x_train))) if batch is None else batch
    with undisturbed(trainer):
        return _looks(trainer, trainer.x_train[batch], trainer.t_train[batch])


@contextmanager
def undisturbed(trainer: Trainer) -> Iterator[None]:
    """Restore parameters, slots, counters, generators, gradients and layers' stored values at the end of the block."""
    network, optimizer = trainer.network, trainer.optimizer
    trainer.synchronize()
    before, gradients, rate = trainer.progress.snapshot(), network.gradients.copy(), optimizer.rate.copy()
    kept = [(layer, dict(vars(layer))) for _, layer in network.walk()]
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        for layer, attributes in kept:
            vars(layer).clear()
            vars(layer).update(attributes)
        trainer.progress.restore(before)
        network.gradients[:], optimizer.rate[()] = gradients, rate


def _looks(trainer: Trainer, x: np.ndarray, t: np.ndarray) -> dict[str, LayerLook]:
    network, old = trainer.network, trainer.network.get_state()[0]
    with observe(network) as seen:
        network.backward(trainer.objective.gradient(network.forward(x, train=True), t))
    trainer.update(x)
    moved = network.parameters - old
    looks, start = {}, 0
    for name, layer in network.walk():
        stop = start + sum(int(np.prod(shape)) for shape in layer.shapes.values())
        length = float(np.linalg.norm(old[start:stop]))
        ratio = float(np.linalg.norm(moved[start:stop])) / length if length else np.nan
        signal, gradient = seen.outputs[name], seen.output_gradients.get(name, np.zeros(0))
        dead, saturated = _shares(_slope(layer, seen.inputs[name]))
        report = LayerReport(repr(layer), *_spread(signal), *_spread(gradient), dead, saturated, ratio)
        looks[name] = LayerLook(report, signal, gradient)
        start = stop
    return looks


def _spread(values: np.ndarray) -> tuple[float, float]:
    """Mean and deviation; in float64, because rounding in float32 would give equal values a deviation."""
    return (float(values.mean()), float(values.std(dtype=np.float64))) if values.size else (np.nan, np.nan)


def flatness(layer: Layer, z: np.ndarray) -> tuple[float, float]:
    """Shares of dead units and of saturated values at pre-activations z; NaN unless the layer is an Activation."""
    return _shares(_slope(layer, z))


def _slope(layer: Layer, z: np.ndarray) -> np.ndarray | None:
    """da/dz of an activation, shaped like z; None for another layer."""
    if not isinstance(layer, Activation):
        return None
    return np.abs(layer.function.backward(np.ones_like(z), z, layer.function.forward(z)))


def _shares(slope: np.ndarray | None) -> tuple[float, float]:
    """Shares of dead units and of saturated values. Maps (H, C, W, N) count as C units."""
    if slope is None:
        return np.nan, np.nan
    alive = (slope > 0).any(axis=0 if slope.ndim == 2 else (0, 2, 3))
    return 1 - float(alive.mean()), float((slope < FLAT_SLOPE_SHARE * max(float(slope.max()), 1e-30)).mean())
