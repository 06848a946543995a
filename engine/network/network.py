"""A network is layers in a row. All parameters live in one flat buffer, all gradients in another; layers hold views.

    z = network.forward(x, train=True)
    network.backward(objective.gradient(z, t))
    optimizer.step(network.parameters, network.gradients)

are one step of training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, NamedTuple

import numpy as np

from engine.network.layers import Layer

WORKSPACE = 1 << 20  # numbers that many samples may hold at a time: more of them go through in parts


class Summary(NamedTuple):
    """One line of a network's summary."""

    name: str
    shape: tuple[int, ...]  # of one output sample
    parameters: int
    multiply_adds: int  # of one sample's forward pass


class Network:
    """Layers, built for one input shape.

    layers: in order; inputs: shape of one sample; rng draws the first weights (on the host, in float64, then cast).
    parameters, gradients: flat arrays (P,) of dtype. first: number of the first layer with parameters, counted from 0.
    """

    def __init__(self, layers: Sequence[Layer], inputs: tuple[int, ...], *, rng: np.random.Generator,
                 dtype: Any = np.float32) -> None:  # fmt: skip
        self.layers, self.inputs, self.dtype = list(layers), inputs, np.dtype(dtype)
        self.output_shapes = []
        for layer in self.layers:
            inputs = layer.build(inputs)
            self.output_shapes.append(inputs)
        size = sum(int(np.prod(shape)) for layer in self.layers for shape in layer.shapes.values())
        self._bind(np.zeros(size, dtype), np.zeros(size, dtype))
        for layer in self.layers:
            layer.initialize(rng)
        self.first = next((number for number, layer in enumerate(self.layers) if layer.shapes), 0)
        self.layers[self.first].first = True
        for _, dW in self.weights:
            dW[:] = 1
        self.weight_mask = self.gradients.copy()  # (P,) 1 for what regularisation applies to, 0 for biases and the like
        self.gradients[:] = 0
        built = zip(self.layers, self.output_shapes, strict=True)
        widths = [int(np.prod(shape)) + layer.workspace for layer, shape in built]
        self.workspace = max(int(np.prod(self.inputs)), *widths)  # numbers that one sample needs in its widest layer
        self.max_batch = max(1, WORKSPACE // self.workspace)

    def _bind(self, parameters: Any, gradients: Any) -> None:
        """Hand every layer its views of two flat arrays (P,)."""
        self.parameters, self.gradients = parameters, gradients
        self.named: dict[str, np.ndarray] = {}  # "2.W" -> view of that parameter
        start = 0
        for number, layer in enumerate(self.layers):
            views: tuple[dict, dict] = ({}, {})
            for name, shape in layer.shapes.items():
                stop = start + int(np.prod(shape))
                for flat, named in zip((parameters, gradients), views, strict=True):
                    named[name] = flat[start:stop].reshape(shape, order=layer.order)
                self.named[f"{number}.{name}"] = views[0][name]
                start = stop
            layer.bind(*views)

    def to_device(self, send: Callable[[np.ndarray], Any]) -> Network:
        """The same layers with parameters of their own that `send` has brought to another device.

        Both draw from the same generators, so that a step here and a step there drop the same units.
        """
        twin = copy(self)
        twin.layers = [copy(layer) for layer in self.layers]
        for layer in twin.layers:
            layer.send = send
        twin._bind(send(self.parameters), send(self.gradients))
        return twin

    # The pass there and back -----------------------------------------------------------------------------------------

    def forward(self, x: Any, *, train: bool = False) -> Any:
        """(N, ...) inputs -> (N, O) logits. Only a training pass leaves traces in the layers."""
        if not train and len(x) > self.max_batch:
            parts = range(0, len(x), self.max_batch)
            return np.concatenate([self.forward(x[start : start + self.max_batch]) for start in parts])
        for layer in self.layers:
            x = layer.forward(x, train=train)
        return x

    def backward(self, dz: Any) -> None:
        """dL/dz (N, O) -> fills `gradients`."""
        for layer in reversed(self.layers[self.first :]):
            dz = layer.backward(dz)

    # What it consists of ---------------------------------------------------------------------------------------------

    @property
    def weights(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """(weight, gradient) pairs of all layers that regularisation applies to, each (inputs of a unit, units)."""
        return [pair for layer in self.layers for pair in layer.weights]

    @property
    def state(self) -> dict[str, np.ndarray]:
        """What training changes beside the parameters ("3.mean"): running statistics."""
        layers = enumerate(self.layers)
        return {f"{number}.{name}": array for number, layer in layers for name, array in layer.state.items()}

    @property
    def rngs(self) -> dict[str, np.random.Generator]:
        """The generators that training draws from ("2.mask")."""
        return {f"{number}.{name}": rng for number, layer in enumerate(self.layers) for name, rng in layer.rngs.items()}

    def get_state(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Copies of the parameters and of the state."""
        return self.parameters.copy(), {name: array.copy() for name, array in self.state.items()}

    def set_state(self, parameters: np.ndarray, state: Mapping[str, np.ndarray]) -> None:
        """Overwrite the parameters and the state."""
        self.parameters[:] = parameters
        for name, array in self.state.items():
            array[...] = state[name]

    # Looking ---------------------------------------------------------------------------------------------------------

    def activations(self, x: np.ndarray) -> list[np.ndarray]:
        """The output of every layer for inputs x, first to last, without touching training state."""
        outputs = []
        for layer in self.layers:
            x = layer.forward(x, train=False)
            outputs.append(x)
        return outputs

    def summary(self) -> list[Summary]:
        """What every layer is, gives and costs."""
        return [
            Summary(repr(layer), shape, sum(int(np.prod(s)) for s in layer.shapes.values()), layer.cost)
            for layer, shape in zip(self.layers, self.output_shapes, strict=True)
        ]

    def __str__(self) -> str:
        head = ("layer", "output", "parameters", "multiply-adds")
        lines = self.summary()
        rows = [(s.name, " x ".join(map(str, s.shape)), f"{s.parameters:,}", f"{s.multiply_adds:,}") for s in lines]
        total = ("total", "", f"{self.parameters.size:,}", f"{sum(s.multiply_adds for s in lines):,}")
        a, b, c, d = (max(map(len, column)) for column in zip(head, *rows, total, strict=True))
        return "\n".join(f"{n:<{a}}  {o:<{b}}  {p:>{c}}  {m:>{d}}" for n, o, p, m in (head, *rows, total))

    def __repr__(self) -> str:
        return f"Network({' -> '.join(map(repr, self.layers))}, {self.parameters.size} parameters)"
