"""Initializers: how the first weights of a layer with I inputs and O outputs are drawn.

Always on the host and in float64, so that every device and precision starts from the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Initializer(NamedTuple):
    name: str
    label: str
    draw: Callable  # (rng, shape, inputs, outputs) -> weights
    formula: str  # LaTeX
    sentence: str


def _glorot_uniform(rng, shape, inputs, outputs):
    bound = np.sqrt(6 / (inputs + outputs))
    return rng.uniform(-bound, bound, shape)


def _glorot_normal(rng, shape, inputs, outputs):
    return rng.normal(0, np.sqrt(2 / (inputs + outputs)), shape)


def _he_uniform(rng, shape, inputs, outputs):
    bound = np.sqrt(6 / inputs)
    return rng.uniform(-bound, bound, shape)


def _he_normal(rng, shape, inputs, outputs):
    return rng.normal(0, np.sqrt(2 / inputs), shape)


def _lecun_normal(rng, shape, inputs, outputs):
    return rng.normal(0, np.sqrt(1 / inputs), shape)


def _uniform(rng, shape, inputs, outputs):
    return rng.uniform(-0.5, 0.5, shape)


def _normal(rng, shape, inputs, outputs):
    return rng.normal(0, 0.1, shape)


def _zeros(rng, shape, inputs, outputs):
    return np.zeros(shape)


INITIALIZERS = {
    i.name: i
    for i in (
        Initializer(
            "glorot_uniform", "Glorot uniform", _glorot_uniform, r"U(\pm\sqrt{6/(I+O)})",
            "Keeps the spread of signals about equal in both directions; suits tanh and sigmoid."),
        Initializer(
            "glorot_normal", "Glorot normal", _glorot_normal, r"N(0, \sqrt{2/(I+O)})",
            "The same spread as Glorot uniform, drawn from a bell curve."),
        Initializer(
            "he_uniform", "He uniform", _he_uniform, r"U(\pm\sqrt{6/I})",
            "The same spread as He normal, drawn uniformly from a range."),
        Initializer(
            "he_normal", "He normal", _he_normal, r"N(0, \sqrt{2/I})",
            "Makes up for the half that ReLU cuts away, so that signals keep their size in deep networks."),
        Initializer(
            "lecun_normal", "LeCun normal", _lecun_normal, r"N(0, \sqrt{1/I})",
            "Keeps the spread of signals equal on the way forward; what SELU needs."),
        Initializer(
            "uniform", "Uniform", _uniform, r"U(\pm 0.5)",
            "The same range for every layer, whatever its size; too wide for large layers."),
        Initializer(
            "normal", "Normal", _normal, r"N(0, 0.1)",
            "The same small spread for every layer, whatever its size; signals fade in deep networks."),
        Initializer(
            "zeros", "Zeros", _zeros, "0",
            "A lesson in what not to do: the neurons of a layer stay alike, because they all get the same gradient."),
    )
}  # fmt: skip
