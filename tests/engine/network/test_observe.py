"""Observing a network: the values of the layers by name, without side effects."""

from __future__ import annotations

import numpy as np

from engine.network.layers import Activation, Chain, Dense
from engine.network.network import Network
from engine.network.observe import observe


def nested() -> Network:
    inner = Chain(Dense(3), Activation("tanh"))
    return Network([Dense(2), inner, Dense(1)], (4,), rng=np.random.default_rng(0), dtype=np.float64)


def test_inputs_outputs_and_gradients_are_those_of_each_layer():
    network, x = nested(), np.random.default_rng(1).normal(size=(5, 4))
    with observe(network) as seen:
        z = network.forward(x, train=True)
        network.backward(np.ones_like(z))
    assert list(seen.outputs) == ["0", "1.0", "1.1", "1", "2"]
    np.testing.assert_array_equal(seen.inputs["0"], x)
    np.testing.assert_array_equal(seen.outputs["1.1"], np.tanh(seen.outputs["1.0"]))
    np.testing.assert_array_equal(seen.outputs["1"], seen.inputs["2"])
    np.testing.assert_allclose(seen.output_gradients["1"], np.ones((5, 1)) @ network["2"].W.T)
    assert seen.input_gradients.keys() == seen.output_gradients.keys() - {"0"}  # dL/dx is not needed


def test_only_chosen_layers_are_observed():
    network, x = nested(), np.ones((2, 4))
    with observe(network, ["1.1"]) as seen:
        network.forward(x)
    network.forward(2 * x)
    assert list(seen.outputs) == ["1.1"]
    np.testing.assert_array_equal(
        seen.outputs["1.1"], network.chain.layers[1].forward(network["0"].forward(x, train=False), train=False)
    )
    assert not any({"forward", "backward"} & vars(layer).keys() for _, layer in network.walk())
