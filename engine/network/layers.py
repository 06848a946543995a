"""Layers: forward and backward side by side. Shapes in the margin: N samples, I inputs, O outputs.

A layer stores what its backward pass needs only when `train` is true, so that an evaluation never disturbs a training
step. Parameters are views into the network's one flat buffer: `bind` hands them out. A layer may consist of other
layers (see `Chain`), so a network is a tree; `walk` visits every layer of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from engine.formulas.activations import ACTIVATIONS
from engine.formulas.initializers import INITIALIZERS
from engine.formulas.tracing import record_call, trace_like


class Layer:
    """The interface of a layer. A layer without parameters only overrides forward and backward.

    Parameters, weights, state, generators, cost and workspace are those of the layer itself, without those of the
    layers inside it. The network sets `is_first` on the first layer with parameters, whose backward pass may return
    None: nothing needs the gradient of its input.
    """

    is_first = False
    layers: Sequence[Layer] = ()  # the layers that this one consists of
    output_shape: tuple[int, ...] = ()  # of one output sample; set when the network is built
    send: Callable[[np.ndarray], Any] = staticmethod(lambda array: array)  # from the host to the device of the samples
    order: Literal["C", "F"] = "C"  # memory order of parameters with several axes; with C the bias follows the weights
    couples_samples = False  # whether the output for one sample depends on the others of its batch, in training
    state: Mapping[str, np.ndarray] = MappingProxyType({})  # arrays other than parameters that training changes
    rngs: Mapping[str, np.random.Generator] = MappingProxyType({})  # generators that training draws from

    def walk(self, name: str = "") -> Iterator[tuple[str, Layer]]:
        """This layer and all layers inside it, parents first, with their names: "3", "3.0", "3.1" ..."""
        yield name, self
        for number, layer in enumerate(self.layers):
            yield from layer.walk(f"{name}.{number}" if name else str(number))

    def clone(self) -> Layer:
        """A copy that can be bound to other parameters. It draws from the same generators."""
        return copy(self)

    def build(self, inputs: tuple[int, ...]) -> tuple[int, ...]:
        """Take the shape of one input sample; return the shape of one output sample."""
        return inputs

    def mark_first(self) -> None:
        """Do not compute the gradient of the input."""
        self.is_first = True

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Parameter name -> shape, in the order of the flat buffer."""
        return {}

    def bind(self, parameters: dict[str, np.ndarray], gradients: dict[str, np.ndarray]) -> None:
        """Take the views of this layer's parameters and gradients."""

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw the initial parameters."""

    @property
    def weights(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """(weight, its gradient) pairs, each (I, O), that regularization applies to. Biases are never penalized."""
        return []

    @property
    def cost(self) -> int:
        """Multiply-adds of the forward pass for one sample."""
        return 0

    @property
    def workspace(self) -> int:
        """Numbers that the forward pass stores for one sample in addition to its output."""
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
        return None if self.is_first else dz @ self.W.T  # (N, I)

    def __repr__(self) -> str:
        return f"Dense({self.units})"


class Chain(Layer):
    """y = f_n(... f_2(f_1(x))): layers in sequence"""

    def __init__(self, *layers: Layer) -> None:
        self.layers = list(layers)
        self.start = 0  # number of the first layer that needs a gradient

    def build(self, inputs):
        for layer in self.layers:
            inputs = layer.output_shape = layer.build(inputs)
        return inputs

    def clone(self):
        twin = copy(self)
        twin.layers = [layer.clone() for layer in self.layers]
        return twin

    def mark_first(self):
        super().mark_first()
        trainable = (any(part.shapes for _, part in layer.walk()) for layer in self.layers)
        self.start = next((number for number, found in enumerate(trainable) if found), 0)
        for layer in self.layers[self.start : self.start + 1]:
            layer.mark_first()

    def forward(self, x, *, train):  # (N, ...)
        for layer in self.layers:
            x = layer.forward(x, train=train)
        return x  # (N, ...)

    def backward(self, dy):  # (N, ...)
        for layer in reversed(self.layers[self.start :]):
            dy = layer.backward(dy)
        return None if self.is_first else dy  # (N, ...)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({' -> '.join(map(repr, self.layers))})"


class Residual(Chain):
    """y = x + f(x), where f is a sequence of layers that keeps the shape: a skip connection around them

    The gradient reaches x on two paths, dL/dx = dL/dy + (dL/dy through f), so it does not vanish where that of f does.
    Source: He et al. 2016, Deep Residual Learning for Image Recognition.
    """

    def build(self, inputs):
        outputs = super().build(inputs)
        if outputs != inputs:
            raise ValueError(f"{self!r} maps {inputs} to {outputs}; a skip connection needs equal shapes.")
        return outputs

    def forward(self, x, *, train):  # (N, I)
        return x + super().forward(x, train=train)  # (N, I)

    def backward(self, dy):  # (N, I)
        dx = super().backward(dy)
        return None if self.is_first else dy + dx  # (N, I)


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

    Dividing keeps the expected value, so that an evaluation needs no correction ("inverted" dropout).
    The generator is the layer's own, so dropout changes neither the initial weights nor the order of the samples. Each
    precision draws numbers of its own length (24 or 53 bits), so one seed gives other masks in float64 than in float32.
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
