"""Layers: forward and backward side by side. Shapes in the margin: N samples, I inputs, O outputs.

A layer keeps what its backward pass needs only when `train` is true, so that looking never disturbs a training step.
Parameters are views into the network's one flat buffer: `bind` hands them out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from engine.formulas.activations import ACTIVATIONS
from engine.formulas.initializers import INITIALIZERS
from engine.formulas.tracing import record_call, trace_like


class Layer:
    """What every layer offers. A layer without parameters only overrides forward and backward.

    `first` is set by the network: below the first layer with parameters nobody needs the gradient of its input.
    """

    first = False
    send: Callable[[np.ndarray], Any] = staticmethod(lambda array: array)  # from the host to where the samples are
    order: Literal["C", "F"] = "C"  # of parameters with several axes in memory; C: the bias stands below the weights
    couples_samples = False  # whether the output for one sample depends on the others of its batch, in training
    state: Mapping[str, np.ndarray] = MappingProxyType({})  # what training changes beside the parameters
    rngs: Mapping[str, np.random.Generator] = MappingProxyType({})  # generators that training draws from

    def build(self, inputs: tuple[int, ...]) -> tuple[int, ...]:
        """Learn the shape of one input sample; return the shape of one output sample."""
        return inputs

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Parameter name -> shape, in the order in which they stand in the flat buffer."""
        return {}

    def bind(self, parameters: dict[str, np.ndarray], gradients: dict[str, np.ndarray]) -> None:
        """Take the views of this layer's parameters and gradients."""

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw the first parameters."""

    @property
    def weights(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """(weight, its gradient) pairs, each (I, O), that regularisation applies to. Biases are never penalised."""
        return []

    @property
    def cost(self) -> int:
        """Multiply-adds of the forward pass for one sample."""
        return 0

    @property
    def workspace(self) -> int:
        """Numbers that the forward pass holds for one sample beside its output."""
        return 0

    def forward(self, x, *, train: bool):
        raise NotImplementedError

    def backward(self, dy):
        raise NotImplementedError


class Dense(Layer):
    """z = x W + b"""

    def __init__(self, units: int, *, initializer: str = "glorot_uniform") -> None:
        self.units, self.initializer = units, initializer

    def build(self, inputs):
        (self.inputs,) = inputs
        return (self.units,)

    @property
    def shapes(self):
        return {"W": (self.inputs, self.units), "b": (self.units,)}

    def bind(self, parameters, gradients):
        self.W, self.b = parameters["W"], parameters["b"]
        self.dW, self.db = gradients["W"], gradients["b"]

    def initialize(self, rng):
        self.W[:] = INITIALIZERS[self.initializer].draw(rng, self.W.shape, self.inputs, self.units)
        self.b[:] = 0

    @property
    def weights(self):
        return [(self.W, self.dW)]

    @property
    def cost(self):
        return self.W.size

    def forward(self, x, *, train):  # (N, I)
        if train:
            self.x = x
        return x @ self.W + self.b  # (N, O)

    def backward(self, dz):  # (N, O)
        np.matmul(self.x.T, dz, out=self.dW)  # (I, O)
        dz.sum(axis=0, out=self.db)  # (O,)
        return None if self.first else dz @ self.W.T  # (N, I)

    def __repr__(self) -> str:
        return f"Dense({self.units})"


class Activation(Layer):
    """a = f(z), unit by unit"""

    def __init__(self, name: str) -> None:
        self.name, self.function = name, ACTIVATIONS[name]

    def forward(self, z, *, train):  # (N, O)
        a = self.function.forward(z)
        if train:
            self.z, self.a = z, a
        return a  # (N, O)

    def backward(self, da):  # (N, O)
        return self.function.backward(da, self.z, self.a)  # (N, O)

    def __repr__(self) -> str:
        return f"Activation({self.name})"


class Dropout(Layer):
    """a = x * mask / (1 - rate), where each entry of the mask is 0 with probability `rate`, else 1.

    Dividing keeps the expected value, so that nothing is left to do when training is over ("inverted" dropout).
    The generator is the layer's own: dropping changes neither the first weights nor the order of the samples.
    """

    def __init__(self, rate: float, *, rng: np.random.Generator) -> None:
        if not 0 <= rate < 1:
            raise ValueError(f"The dropout rate is {rate:g}; it must be at least 0 and less than 1.")
        self.rate, self.rngs = rate, {"mask": rng}

    def forward(self, x, *, train):  # (N, ...)
        if not train:
            return x
        noise = np.empty(x.shape[::-1], x.dtype)
        record_call(x, self.draw, noise)
        self.mask = (trace_like(x, self.send(noise).T) >= self.rate) * x.dtype.type(1 / (1 - self.rate))
        return x * self.mask  # (N, ...)

    def draw(self, noise: np.ndarray) -> None:
        """Fill with numbers between 0 and 1."""
        self.rngs["mask"].random(None, noise.dtype, noise)

    def backward(self, da):
        return da * self.mask

    def __repr__(self) -> str:
        return f"Dropout({self.rate:g})"
