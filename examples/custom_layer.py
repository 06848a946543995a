"""Writes a layer with a parameter of its own, checks its gradient, and trains a network that contains it."""

import numpy as np

from data import load
from engine import OPTIMIZERS
from engine.formulas.losses import Objective
from engine.network.layers import Activation, Dense, Layer
from engine.network.network import Network
from engine.training.gradient_check import check


class Scale(Layer):
    """y = x * s, with one learned factor s per input. Shapes: N samples, I inputs."""

    def build(self, inputs):
        (self.inputs,) = inputs
        return inputs

    @property
    def shapes(self):
        return {"s": (self.inputs,)}

    def bind(self, parameters, gradients):
        self.s, self.ds = parameters["s"], gradients["s"]

    def initialize(self, rng):
        self.s[:] = 1

    def forward(self, x, *, train):  # (N, I)
        if train:
            self.x = x
        return x * self.s  # (N, I)

    def backward(self, dy):  # (N, I)
        self.ds[:] = (self.x * dy).sum(axis=0)  # (I,)
        return dy * self.s  # (N, I)


data = load("iris", rng=np.random.default_rng(1))
objective = Objective("classification", data.classes, "softmax", "categorical_crossentropy")
layers = [Dense(8), Scale(), Activation("tanh"), Dense(data.classes)]
network = Network(layers, data.x_train.shape[1:], rng=np.random.default_rng(0), dtype=np.float64)
x, t = data.x_train.astype(np.float64), objective.targets(data.y_train, np.float64)

print(f"largest relative error of the gradient: {max(entry.error for entry in check(network, objective, x, t)):.1e}")

optimizer = OPTIMIZERS["adam"](0.02, network.parameters.size, np.float64)
for _ in range(200):
    z = network.forward(x, train=True)
    network.backward(objective.gradient(z, t))
    optimizer.step(network.parameters, network.gradients)
predicted = network.forward(data.x_test.astype(np.float64)).argmax(axis=1)
print(f"test accuracy: {(predicted == data.y_test).mean():.3f}")
