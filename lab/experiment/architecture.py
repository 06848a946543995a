"""The architecture of a network: its layers with shapes, parameters and names, derived from an experiment.

It needs neither data nor a network. Building, memory estimate, exports, diagram, One step and Health all read it, so
the structure of a network is decided only here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf, prod
from typing import Any

from engine import ACTIVATIONS
from engine.network.network import layer_title

Shape = tuple[int, ...]  # of one sample, without the axis of the samples


@dataclass(frozen=True)
class LayerSpec:
    """One layer."""

    kind: str  # a key of lab.training.build.LAYERS
    name: str  # position in the network, as in names of saved parameters: "2"; "2.0" is the first layer inside it
    input_shape: Shape
    output_shape: Shape
    settings: Mapping[str, Any]  # arguments of the engine's layer
    parameters: Mapping[str, Shape] = field(default_factory=dict)
    layers: tuple[LayerSpec, ...] = ()  # the layers inside it

    def walk(self) -> Iterator[LayerSpec]:
        """This layer and all inside it, in the order of Network.walk."""
        yield self
        for layer in self.layers:
            yield from layer.walk()


@dataclass(frozen=True)
class Block:
    """What is displayed as one layer: a layer with weights and the layers after it, up to the next weights."""

    title: str  # "Hidden layer 2", "Output layer", "Convolution 1"
    layers: tuple[LayerSpec, ...]

    def find(self, kind: str) -> LayerSpec | None:
        """The layer of this kind, if the block has one."""
        return next((layer for layer in self.layers if layer.kind == kind), None)

    @property
    def weights(self) -> LayerSpec:
        """The dense layer or the convolution."""
        return self.layers[0]

    @property
    def units(self) -> int:
        """Units of a dense layer, filters of a convolution."""
        return self.weights.parameters["b"][0]

    @property
    def output(self) -> LayerSpec:
        """The layer whose output is displayed for the units: the skip connection, else the activation."""
        return self.find("residual") or self.find("activation") or self.layers[-1]

    @property
    def is_bounded(self) -> bool:
        """Whether the output of each unit is between -1 and 1."""
        if self.find("residual"):
            return False
        low, high = ACTIVATIONS[self.activation].bounds if self.activation else (-inf, inf)
        return low >= -1 and high <= 1

    @property
    def width(self) -> int:
        """Numbers that the block stores for one sample, for an estimate of memory."""
        if self.weights.kind == "dense":
            return self.units * (2 if self.find("residual") else 1)
        height, _, width = self.weights.input_shape
        return 10 * self.units * height * width  # a convolution unrolls its windows

    @property
    def activation(self) -> str | None:
        """Name of the activation; the output layer has none."""
        layer = self.find("activation")
        return layer.settings["name"] if layer else None


@dataclass(frozen=True)
class Architecture:
    """The layers of a network, and the blocks that they form."""

    layers: tuple[LayerSpec, ...]  # the outermost ones, in order
    blocks: tuple[Block, ...]  # convolutions, hidden layers, output layer

    @property
    def inputs(self) -> int:
        """Numbers of one sample."""
        return prod(self.layers[0].input_shape)

    @property
    def convolutions(self) -> tuple[Block, ...]:
        return tuple(block for block in self.blocks if block.weights.kind == "conv")

    @property
    def dense(self) -> tuple[Block, ...]:
        """The hidden layers and the output layer."""
        return tuple(block for block in self.blocks if block.weights.kind == "dense")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Inputs of the first dense layer, then the units of every one."""
        return (self.dense[0].weights.input_shape[0], *(block.units for block in self.dense))

    @property
    def outline(self) -> dict[str, list]:
        """The dense layers for a drawing; skips: numbers, from 0, of those with a skip connection."""
        return {
            "sizes": list(self.sizes),
            "activations": [block.activation for block in self.dense[:-1]],
            "skips": [k for k, block in enumerate(self.dense) if block.find("residual")],
        }

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        specs = (spec for layer in self.layers for spec in layer.walk())
        return sum(prod(shape) for spec in specs for shape in spec.parameters.values())


class _Row:
    """Builds a sequence of layers: each gets the next name and the output shape of the layer before it."""

    def __init__(self, shape: Shape, prefix: str = "") -> None:
        self.shape, self.prefix = shape, prefix
        self.layers: list[LayerSpec] = []

    def add(self, kind: str, shape: Shape | None = None, parameters: Mapping[str, Shape] | None = None,
            layers: tuple[LayerSpec, ...] = (), **settings: Any) -> LayerSpec:  # fmt: skip
        """shape: of the output, by default that of the input."""
        name = f"{self.prefix}{len(self.layers)}"
        spec = LayerSpec(kind, name, self.shape, shape or self.shape, settings, parameters or {}, layers)
        self.layers.append(spec)
        self.shape = spec.output_shape
        return spec


def architecture_of(experiment: Any) -> Architecture:
    """The layers of an experiment: convolutions for pictures, hidden layers, and the output layer.

    With `residual`, every hidden layer with as many units as inputs has a skip connection.

    experiment: an Experiment, possibly one whose fields are still being checked.
    """
    e = experiment
    row, blocks = _Row((e.inputs,)), []
    if e.conv:
        height, width = e.source.image_shape
        row.add("image", (height, 1, width), height=height, width=width, channels=1)
        for number, filters in enumerate(e.conv, 1):
            layers = _convolution(row, filters, e.initializer), _pooling(row)
            blocks.append(Block(f"Convolution {number}", (*layers, row.add("activation", name=e.conv_activation))))
        row.add("flatten", (prod(row.shape),))
    count = len(e.hidden) + 1
    for number, (units, activation) in enumerate(zip(e.hidden, e.activation_names, strict=True), 1):
        if e.residual and row.shape == (units,):
            inner = _Row(row.shape, f"{len(row.layers)}.")
            layers = *_hidden(inner, units, activation, e), row.add("residual", layers=tuple(inner.layers))
        else:
            layers = tuple(_hidden(row, units, activation, e))
        blocks.append(Block(layer_title(number, count), layers))
    blocks.append(Block(layer_title(count, count), (_dense(row, e.outputs, e.initializer),)))
    return Architecture(tuple(row.layers), tuple(blocks))


def _hidden(row: _Row, units: int, activation: str, e: Any) -> Iterator[LayerSpec]:
    yield _dense(row, units, e.initializer)
    if e.batch_norm:
        yield row.add("batch_norm", parameters={"gamma": (units,), "beta": (units,)})
    yield row.add("activation", name=activation)
    if e.dropout:
        yield row.add("dropout", rate=e.dropout)


def _dense(row: _Row, units: int, initializer: str) -> LayerSpec:
    parameters = {"W": (*row.shape, units), "b": (units,)}
    return row.add("dense", (units,), parameters, units=units, initializer=initializer)


def _convolution(row: _Row, filters: int, initializer: str) -> LayerSpec:
    height, channels, width = row.shape
    parameters = {"W": (3, 3, channels, filters), "b": (filters,)}
    return row.add("conv", (height - 2, filters, width - 2), parameters, filters=filters, initializer=initializer)


def _pooling(row: _Row) -> LayerSpec:
    height, channels, width = row.shape
    return row.add("max_pool", (height // 2, channels, width // 2))
