"""Batch normalization: each unit gets mean 0 and variance 1 over the batch, then a learned mean and spread.

Outside training, running statistics replace those of the batch, so a prediction does not depend on other samples.
"""

from __future__ import annotations

import numpy as np

from engine.formulas.tracing import trace_like
from engine.network.layers import Layer


class BatchNorm(Layer):
    """y = gamma * (x - mean) / sqrt(variance + epsilon) + beta

    Input: (N, O) units, or (H, C, W, N) maps, which count as C units. Running statistics are exponential averages of
    those of the batches with weight `momentum`; their variance divides by n - 1, as in PyTorch. gamma and beta are not
    regularized. Training on a single number per unit raises ValueError. Source: Ioffe and Szegedy 2015, Batch
    Normalization.

    frozen: whether a training pass uses the running statistics and leaves them alone, so that its gradient is that of
    the evaluated loss.
    """

    couples_samples, frozen = True, False

    def __init__(self, *, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        self.momentum, self.epsilon = momentum, epsilon

    def build(self, inputs):
        maps = len(inputs) == 3
        self.units = inputs[1] if maps else inputs[0]
        self.axes = (0, 2, 3) if maps else 0  # to average over
        self.wide = (1, self.units, 1, 1) if maps else (1, self.units)  # one number for each unit, broadcast against x
        return inputs

    @property
    def shapes(self):
        return {"gamma": (self.units,), "beta": (self.units,)}

    def bind(self, parameters, gradients):
        self.gamma, self.beta = parameters["gamma"], parameters["beta"]
        self.dgamma, self.dbeta = gradients["gamma"], gradients["beta"]
        self.state = {"mean": np.zeros_like(self.gamma), "variance": np.ones_like(self.gamma)}

    def initialize(self, rng):
        self.gamma[:], self.beta[:] = 1, 0

    def total(self, x):
        return x.sum(axis=self.axes).reshape(*self.wide)

    def forward(self, x, *, train):
        gamma, beta = self.gamma.reshape(self.wide), self.beta.reshape(self.wide)
        mean, variance = (trace_like(x, array).reshape(*self.wide) for array in self.state.values())
        if not train:
            return (x - mean) * (gamma / np.sqrt(variance + self.epsilon)) + beta
        if self.frozen:
            self.scale = 1 / np.sqrt(variance + self.epsilon)
            self.normal = (x - mean) * self.scale
            return self.normal * gamma + beta
        n = self.n = x.size // self.units
        if n < 2:
            raise ValueError("Batch normalization cannot train on a single sample; at least two are allowed.")
        batch_mean = self.total(x) * (1 / n)
        centered = x - batch_mean
        batch_variance = self.total(centered * centered) * (1 / n)
        mean += self.momentum * (batch_mean - mean)
        variance += self.momentum * (batch_variance * (n / (n - 1)) - variance)
        self.scale = 1 / np.sqrt(batch_variance + self.epsilon)
        self.normal = centered * self.scale
        return self.normal * gamma + beta

    def backward(self, dy):
        dgamma, dbeta = (trace_like(dy, array).reshape(*self.wide) for array in (self.dgamma, self.dbeta))
        dgamma[:] = self.total(dy * self.normal)
        dbeta[:] = self.total(dy)
        gamma = self.gamma.reshape(self.wide)
        if self.frozen:
            return dy * (self.scale * gamma)
        return (dy - (dbeta + self.normal * dgamma) * (1 / self.n)) * (self.scale * gamma)

    def __repr__(self) -> str:
        return "BatchNorm()"
