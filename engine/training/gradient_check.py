"""Gradient check: backpropagation against central differences, entry by entry.

A central difference does not use the chain rule: it moves one parameter a little up and down and compares the losses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from engine.formulas.losses import Objective
from engine.network.network import Network

MIN_COMPARED_GRADIENT = 1e-4  # lower bound in relative errors, because rounding leaves smaller ones few digits


class Check(NamedTuple):
    """One entry of one parameter."""

    layer: str  # its name in the network: "2", or "2.0" inside another
    parameter: str  # "W", "b" ...
    index: tuple[int, ...]
    analytic: float  # by backpropagation
    numeric: float  # by a central difference
    error: float  # relative


def relative_error(analytic: Any, numeric: Any) -> Any:
    """Difference of two gradients relative to the larger one, entry by entry."""
    return np.abs(analytic - numeric) / np.maximum(np.maximum(np.abs(analytic), np.abs(numeric)), MIN_COMPARED_GRADIENT)


def slope(f: Callable[[], float], array: np.ndarray, index: tuple[int, ...], epsilon: float) -> float:
    """Derivative of f(), which reads `array`, with respect to one of its entries, by a central difference."""
    kept = array[index]
    array[index] = kept + epsilon
    high, above = array[index], f()
    array[index] = kept - epsilon
    low, below = array[index], f()
    array[index] = kept
    distance = float(high) - float(low)  # in float32 not quite 2 epsilon, and 0 if rounding swallows epsilon
    return (float(above) - float(below)) / distance if distance else 0.0


def check(
    network: Network, objective: Objective, x: np.ndarray, t: np.ndarray, epsilon: float = 1e-5, entries: int = 0
) -> list[Check]:
    """Compare the gradient of the mean loss on x (N, ...) and targets t for every parameter, in training mode.

    epsilon: change of a parameter; 1e-5 suits a float64 network. entries: maximum number of entries of each parameter,
    evenly spaced; 0: all. Dropout draws the same masks every time. The network does not change.
    """
    parameters, state = network.get_state()
    gradients = network.gradients.copy()
    draws = {name: rng.bit_generator.state for name, rng in network.rngs.items()}

    def forward() -> Any:
        for name, rng in network.rngs.items():
            rng.bit_generator.state = draws[name]
        return network.forward(x, train=True)

    network.backward(objective.gradient(forward(), t))
    analytic = network.gradients.copy()
    checks = []
    for name, array in network.named.items():
        layer, parameter = name.rsplit(".", 1)
        gradient = same_view(array, network.parameters, analytic)
        indices = list(np.ndindex(array.shape))
        for index in indices[:: -(-len(indices) // entries) if entries else 1]:
            numeric = slope(lambda: objective.value(forward(), t), array, index, epsilon)
            error = float(relative_error(gradient[index], numeric))
            checks.append(Check(layer, parameter, index, float(gradient[index]), numeric, error))
    network.set_state(parameters, state)
    network.gradients[:] = gradients
    for name, rng in network.rngs.items():
        rng.bit_generator.state = draws[name]
    return checks


def same_view(view: np.ndarray, flat: np.ndarray, other: np.ndarray) -> np.ndarray:
    """A view of `other` with the same entries as `view` has in `flat`. flat, other: arrays (P,)."""
    start = (view.ctypes.data - flat.ctypes.data) // flat.itemsize
    return as_strided(other[start:], view.shape, view.strides)


def sweep(
    network: Network, objective: Objective, x: np.ndarray, t: np.ndarray, epsilons: Iterable[float], entries: int = 20
) -> list[tuple[float, float]]:
    """(epsilon, largest relative error) pairs. Curvature limits large steps, rounding small ones."""
    return [(e, max(c.error for c in check(network, objective, x, t, e, entries))) for e in epsilons]
