"""Trains a network on XOR with nothing but the engine: forward, backward, update."""

import numpy as np

from engine import OPTIMIZERS
from engine.formulas.losses import Objective
from engine.network.layers import Activation, Dense
from engine.network.network import Network

x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
objective = Objective("classification", 2, "sigmoid", "binary_crossentropy")
t = objective.targets(np.array([0, 1, 1, 0]))
network = Network([Dense(4), Activation("tanh"), Dense(1)], (2,), rng=np.random.default_rng(0))
optimizer = OPTIMIZERS["adam"](0.05, network.parameters.size)
for step in range(500):
    z = network.forward(x, train=True)
    network.backward(objective.gradient(z, t))
    optimizer.step(network.parameters, network.gradients)
    if step % 100 == 99:
        print(f"step {step + 1}: loss {objective.value(z, t):.4f}")
print("probabilities:", *(f"{p:.3f}" for p in objective.output.forward(network.forward(x)).ravel()))
