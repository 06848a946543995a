"""The network beyond its layers: one flat buffer, a summary, and evaluation without side effects."""

from __future__ import annotations

import numpy as np
import pytest

from engine.network import network as network_module
from engine.network.layers import Activation, Dense
from engine.network.network import Network


def test_layers_hold_views_of_one_flat_buffer(kind, build_network):
    network = build_network(kind)
    network.parameters[:] = np.arange(network.parameters.size)
    values = np.concatenate([array.ravel() for array in network.named.values()])
    np.testing.assert_array_equal(np.sort(values), network.parameters)


def test_the_weight_mask_marks_only_weights(kind, build_network):
    network = build_network(kind)
    network.parameters[:] = network.weight_mask
    for name, array in network.named.items():
        assert (array == name.endswith(".W")).all(), name


def test_the_summary_of_a_dense_network_is_correct():
    network = Network([Dense(8), Activation("tanh"), Dense(1)], (2,), rng=np.random.default_rng(0))
    assert [tuple(line) for line in network.summary()] == [
        ("Dense(8)", (8,), 24, 16),
        ("Activation(tanh)", (8,), 0, 0),
        ("Dense(1)", (1,), 9, 8),
    ]
    assert str(network).splitlines()[-1].split() == ["total", "33", "24"]


def test_the_summary_of_a_convolution_counts_every_position(build_network):
    image, conv, _, flatten, dense = build_network("conv").summary()
    assert image.shape == (6, 1, 6)
    assert (conv.shape, conv.parameters, conv.multiply_adds) == ((4, 4, 4), 4 * 9 + 4, 16 * 4 * 9)
    assert (flatten.shape, dense.parameters) == ((64,), 64 * 3 + 3)


def test_evaluation_does_not_affect_a_training_step(kind, build_network, objective, batch):
    x, t = batch
    results = []
    for looks in (False, True):
        network = build_network(kind)
        z = network.forward(x, train=True)
        if looks:
            before = {name: array.copy() for name, array in network.state.items()}
            network.forward(-x)
            network.chain.forward(3 * x[:2], train=False)
            assert all(np.array_equal(network.state[name], array) for name, array in before.items())
        network.backward(objective.gradient(z, t))
        results.append((z, network.gradients, *(rng.random() for rng in network.rngs.values())))
    for quiet, watched in zip(*results, strict=True):
        np.testing.assert_array_equal(watched, quiet)


def test_many_samples_in_parts_give_the_same_result(kind, build_network, monkeypatch):
    x = np.random.default_rng(0).normal(size=(40, 36))
    whole = build_network(kind).forward(x)
    monkeypatch.setattr(network_module, "MAX_WORKSPACE", 1000)
    np.testing.assert_allclose(build_network(kind).forward(x), whole, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("packs", "units", "deep", "samples"), [
    (False, 10, 1, 127), (False, 15, 1, 85), (False, 128, 1, 1337), (False, 16, 60, 1337), (True, 10, 1, 1337),
])  # fmt: skip
def test_parts_of_narrow_networks_have_products_that_are_not_packed(packs, units, deep, samples, monkeypatch):
    monkeypatch.setattr(network_module, "packs_small_products", lambda: packs)
    network = Network([Dense(units) for _ in range(deep)], (784,), rng=np.random.default_rng(0))
    assert network.max_batch == 1337
    assert network.part_size == samples
    sizes = []
    network.chain.forward = lambda x, train: sizes.append(len(x)) or x
    network.forward(np.zeros((1338, 784), np.float32))
    assert max(sizes) == samples
    assert sum(sizes) == 1338


def test_no_gradient_is_computed_below_the_first_parameters(build_network, objective, batch):
    network = build_network("pool")
    assert [layer.is_first for layer in network.layers] == [False, False, True, False, False, False]
    network.layers[0].backward = network.layers[1].backward = None  # must not be called
    network.backward(objective.gradient(network.forward(batch[0], train=True), batch[1]))
    assert network.gradients.any()
