"""Layers that no experiment has, against PyTorch: batch normalization of maps, padding, filters of 2 x 2."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.formulas.losses import Objective
from engine.formulas.optimizers import OPTIMIZERS
from engine.network.convolution import Conv2D, Flatten, Image, MaxPool2D
from engine.network.layers import Activation, Dense
from engine.network.network import Network
from engine.network.normalization import BatchNorm
from engine.tape.tape import Tape

GOLDEN = np.load(Path(__file__).parents[2] / "golden" / "network.npz")
STEPS, BATCH = 50, 4


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 1e-5)])
def test_fifty_steps_agree_with_pytorch(dtype, tolerance, recorded):
    layers = [Image(6, 6), Conv2D(3, padding="same"), BatchNorm(), Activation("tanh"), MaxPool2D(), Conv2D(4, 2),
              Activation("tanh"), Flatten(), Dense(3)]  # fmt: skip
    network = Network(layers, (36,), rng=np.random.default_rng(0), dtype=dtype)
    for key, array in (network.named | network.state).items():
        array[:] = GOLDEN[f"start/{key}"]
    objective = Objective("classification", 3, "softmax", "categorical_crossentropy")
    optimizer = OPTIMIZERS["momentum"](float(GOLDEN["rate"]), network.parameters.size, dtype)
    data, targets = GOLDEN["x"].astype(dtype), objective.targets(GOLDEN["y"], np.dtype(dtype))
    tape, x, t, curve = Tape(), data[:BATCH].copy(), targets[:BATCH].copy(), []

    def learn(x, t, parameters, gradients):
        network.backward(objective.gradient(network.forward(x, train=True), t))
        optimizer.step(parameters, gradients)

    for step in range(STEPS):
        start = step * BATCH % len(data)
        x[:], t[:] = data[start : start + BATCH], targets[start : start + BATCH]
        curve.append(batch_loss(network, objective, x, t))
        if recorded and step == 0:
            learn(*(tape.wrap(array) for array in (x, t, network.parameters, network.gradients)))
        elif recorded:
            tape.play()
        else:
            learn(x, t, network.parameters, network.gradients)
        if step == 0:
            gradients = network.gradients.copy()
    after = {key: array.copy() for key, array in (network.named | network.state).items()}

    np.testing.assert_allclose(curve, GOLDEN[f"{dtype}/curve"], rtol=tolerance, atol=tolerance)
    for key, array in after.items():
        np.testing.assert_allclose(array, GOLDEN[f"{dtype}/{key}"], rtol=tolerance, atol=tolerance, err_msg=key)
    network.parameters[:] = gradients  # the named views have the gradients of the first step
    for key, array in network.named.items():
        np.testing.assert_allclose(array, GOLDEN[f"gradient/{key}"], rtol=tolerance, atol=tolerance, err_msg=key)
    for key, array in network.named.items():
        array[:] = after[key]
    np.testing.assert_allclose(network.forward(data), GOLDEN["prediction"], rtol=10 * tolerance, atol=10 * tolerance)


def batch_loss(network, objective, x, t):
    """The training-mode loss of a batch, without a change of the running statistics."""
    _, state = network.get_state()
    loss = float(objective.value(network.forward(x, train=True), t))
    network.set_state(network.parameters, state)
    return loss
