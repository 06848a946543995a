"""Records the inputs, outputs and gradients of the layers of a network during a pass.

The methods of each layer are wrapped, so an observer does not depend on how layers are composed.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from engine.network.layers import Layer
from engine.network.network import Network


class Observed(NamedTuple):
    """Arrays by the name of the layer, each in the order in which they were computed."""

    inputs: dict[str, Any]
    outputs: dict[str, Any]
    output_gradients: dict[str, Any]  # dL/d output
    input_gradients: dict[str, Any]  # dL/d input, where it was computed


@contextmanager
def observe(network: Network, names: Container[str] | None = None) -> Iterator[Observed]:
    """Record every pass of these layers, by default of all, until the block ends. A later pass replaces an earlier one.

    Network.forward processes many samples in parts and would leave only the last; network.chain.forward does not.
    """
    seen = Observed({}, {}, {}, {})
    observed = [(name, layer) for name, layer in network.walk() if names is None or name in names]
    try:
        for name, layer in observed:
            _report(layer, name, seen)
        yield seen
    finally:
        for _, layer in observed:
            del vars(layer)["forward"], vars(layer)["backward"]


def _report(layer: Layer, name: str, seen: Observed) -> None:
    """Make the methods of one layer record their arguments and results."""
    forward, backward = layer.forward, layer.backward

    def forward_observed(x: Any, *, train: bool) -> Any:
        seen.inputs[name] = x
        seen.outputs[name] = y = forward(x, train=train)
        return y

    def backward_observed(dy: Any) -> Any:
        seen.output_gradients[name] = dy
        dx = backward(dy)
        if dx is not None:
            seen.input_gradients[name] = dx
        return dx

    vars(layer).update(forward=forward_observed, backward=backward_observed)
