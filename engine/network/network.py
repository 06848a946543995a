"""A network is a tree of layers. All parameters live in one flat buffer, all gradients in another; layers hold views.

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

from engine.blas import packs_small_products
from engine.network.layers import Chain, Layer

MAX_WORKSPACE = 1 << 20  # that the samples of one pass may need; more samples are processed in parts
SMALL_PRODUCT = 1_000_000  # multiply-adds; narrow ones are twice as fast where OpenBLAS does not copy their factors
MIN_PART = 64  # samples; smaller parts lose more by their number than they gain


class Summary(NamedTuple):
    """One line of a network's summary."""

    name: str
    shape: tuple[int, ...]  # of one output sample
    parameters: int
    multiply_adds: int  # of one sample's forward pass


def layer_title(place: int, count: int) -> str:
    """The displayed name of one of `count` layers with weights; place: from 1."""
    return "Output layer" if place == count else f"Hidden layer {place}"


class Network:
    """Layers, built for one input shape.

    layers: the outermost ones, in order; inputs: shape of one sample; rng: draws the initial weights (on the host, in
    float64, then cast). parameters, gradients: flat arrays (P,) of dtype.
    """

    def __init__(self, layers: Sequence[Layer], inputs: tuple[int, ...], *, rng: np.random.Generator,
                 dtype: Any = np.float32) -> None:  # fmt: skip
        self.chain, self.inputs, self.dtype = Chain(*layers), inputs, np.dtype(dtype)
        self.chain.build(inputs)
        self._walked = self._walk()
        size = sum(int(np.prod(shape)) for _, layer in self.walk() for shape in layer.shapes.values())
        self._bind(np.zeros(size, dtype), np.zeros(size, dtype))
        for _, layer in self.walk():
            layer.initialize(rng)
        self.chain.mark_first()
        for _, dW in self.weights:
            dW[:] = 1
        self.weight_mask = self.gradients.copy()  # (P,) 1 where regularization applies, 0 for biases and the like
        self.gradients[:] = 0
        self.workspace = max(int(np.prod(self.inputs)), *self.widths)  # numbers of one sample in the widest layer
        self.max_batch = max(1, MAX_WORKSPACE // self.workspace)
        self.part_size = self._part_size()  # samples of a part, if there are more than max_batch

    def walk(self) -> Sequence[tuple[str, Layer]]:
        """Every layer with its name, parents first: "0", "1", "1.0", "1.1", "2" ..."""
        return self._walked  # computed once, since a frame and a check of the parameters use it several times

    def _walk(self) -> tuple[tuple[str, Layer], ...]:
        return tuple((name, layer) for name, layer in self.chain.walk() if name)

    @property
    def layers(self) -> Sequence[Layer]:
        """The outermost layers, in order."""
        return self.chain.layers

    def __getitem__(self, name: str) -> Any:
        """The layer of this name. Raises KeyError."""
        return dict(self.walk())[name]

    def _bind(self, parameters: Any, gradients: Any) -> None:
        """Hand every layer its views of two flat arrays (P,)."""
        self.parameters, self.gradients = parameters, gradients
        self.named: dict[str, np.ndarray] = {}  # "2.W" -> view of that parameter
        start = 0
        for place, layer in self.walk():
            views: tuple[dict, dict] = ({}, {})
            for name, shape in layer.shapes.items():
                stop = start + int(np.prod(shape))
                for flat, named in zip((parameters, gradients), views, strict=True):
                    named[name] = flat[start:stop].reshape(shape, order=layer.order)
                self.named[f"{place}.{name}"] = views[0][name]
                start = stop
            layer.bind(*views)

    def to_device(self, send: Callable[[np.ndarray], Any]) -> Network:
        """The same layers with copies of the parameters, which `send` transfers to another device.

        Both networks draw from the same generators, so a step on either device drops the same units.
        """
        twin = copy(self)
        twin.chain = self.chain.clone()
        twin._walked = twin._walk()
        for _, layer in twin.walk():
            layer.send = send
        twin._bind(send(self.parameters), send(self.gradients))
        return twin

    def _part_size(self) -> int:
        costs = [layer.cost for _, layer in self.walk()]
        small = SMALL_PRODUCT // max(1, *costs)
        is_faster = small >= MIN_PART and 2 * max(costs) > sum(costs) and not packs_small_products()
        return min(small, self.max_batch) if is_faster else self.max_batch

    # Forward and backward --------------------------------------------------------------------------------------------

    def forward(self, x: Any, *, train: bool = False) -> Any:
        """(N, ...) inputs -> (N, O) logits. Only a training pass stores values in the layers."""
        if not train and len(x) > self.max_batch:
            parts = range(0, len(x), self.part_size)
            return np.concatenate([self.forward(x[start : start + self.part_size]) for start in parts])
        return self.chain.forward(x, train=train)

    def backward(self, dz: Any) -> None:
        """dL/dz (N, O) -> fills `gradients`."""
        self.chain.backward(dz)

    # Contents --------------------------------------------------------------------------------------------------------

    @property
    def weights(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """(weight, gradient) pairs of all layers that regularization applies to, each (inputs of a unit, units)."""
        return [pair for _, layer in self.walk() for pair in layer.weights]

    @property
    def state(self) -> dict[str, np.ndarray]:
        """Arrays other than parameters that training changes, such as running statistics ("3.mean")."""
        return {f"{place}.{name}": array for place, layer in self.walk() for name, array in layer.state.items()}

    @property
    def rngs(self) -> dict[str, np.random.Generator]:
        """The generators that training draws from ("2.mask")."""
        return {f"{place}.{name}": rng for place, layer in self.walk() for name, rng in layer.rngs.items()}

    @property
    def widths(self) -> list[int]:
        """Numbers that the forward pass of one sample stores in each layer."""
        return [int(np.prod(layer.output_shape)) + layer.workspace for _, layer in self.walk()]

    @property
    def couples_samples(self) -> bool:
        """Whether the output for one sample depends on the others of its batch, in training."""
        return any(layer.couples_samples for _, layer in self.walk())

    def title(self, name: str) -> str:
        """The displayed name of the layer with weights that the layer `name` belongs to."""
        weighted, place = 0, 0
        for other, layer in self.walk():
            weighted += bool(layer.weights)
            if f"{other}.".startswith(f"{name}."):
                place = max(1, weighted)
        return layer_title(place, weighted)

    def get_state(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Copies of the parameters and of the state."""
        return self.parameters.copy(), {name: array.copy() for name, array in self.state.items()}

    def set_state(self, parameters: np.ndarray, state: Mapping[str, np.ndarray]) -> None:
        """Overwrite the parameters and the state."""
        self.parameters[:] = parameters
        for name, array in self.state.items():
            array[...] = state[name]

    def summary(self) -> list[Summary]:
        """Output shape, parameters and cost of every layer."""
        return [
            Summary(repr(layer), layer.output_shape, sum(int(np.prod(s)) for s in layer.shapes.values()), layer.cost)
            for _, layer in self.walk()
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
