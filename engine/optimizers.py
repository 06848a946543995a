"""Optimisers, in order of increasing complexity. Each turns a gradient into a step, on flat arrays of any length.

`update(p, g, *slots)` changes the parameters p and its own slots in place; its lines are the published formulas.
Numbers that may change during a run (the rate, Adam's corrections) live in 0-d arrays, so that a recorded step sees the change.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.tape import follow, perform

BLOCK = 1 << 15  # floats; a block of parameters, gradient and slots stays in the processor's cache


class Optimizer:
    """Base: owns the learning rate, the step counter and the slots (one flat array each, as long as the parameters)."""

    name = label = formula = sentence = ""
    slot_names: tuple[str, ...] = ()

    def __init__(self, learning_rate: float, size: int, dtype: np.dtype | type = np.float32) -> None:
        self.rate = np.array(learning_rate, dtype)
        self.slots = {name: np.zeros(size, dtype) for name in self.slot_names}
        self.t = 0

    def advance(self) -> None:
        """Count the step: once per step, not once per parameter."""
        self.t += 1

    def step(self, p: Any, g: Any) -> None:
        """One update of all parameters p by gradient g, both flat."""
        perform(p, self.advance)
        for start in range(0, len(p), BLOCK):
            block = slice(start, start + BLOCK)
            self.update(p[block], g[block], *(follow(p, slot[block]) for slot in self.slots.values()))

    def update(self, p: Any, g: Any, *slots: Any) -> None:
        raise NotImplementedError


class SGD(Optimizer):
    name, label = "sgd", "SGD"
    formula = r"p \leftarrow p - \eta g"
    sentence = "A step straight downhill, as long as the gradient is steep."

    def update(self, p, g):
        p -= self.rate * g


class Momentum(Optimizer):
    name, label, slot_names = "momentum", "Momentum", ("velocity",)
    formula = r"v \leftarrow \beta v + g, \quad p \leftarrow p - \eta v"
    sentence = "A ball that rolls: past gradients carry on, so ravines are crossed faster."
    beta = 0.9

    def update(self, p, g, v):
        v *= self.beta
        v += g
        p -= self.rate * v


class Adam(Optimizer):
    """Kingma and Ba 2015, in the form at the end of their section 2: both corrections are folded into the step size."""

    name, label, slot_names = "adam", "Adam", ("mean", "square")
    formula = r"m \leftarrow \beta_1 m + (1-\beta_1) g,\; v \leftarrow \beta_2 v + (1-\beta_2) g^2,\; p \leftarrow p - \eta\,\hat m / (\sqrt{\hat v} + \epsilon)"
    sentence = "Each parameter gets a step size of its own; a safe first choice."
    beta1, beta2, epsilon = 0.9, 0.999, 1e-8

    def __init__(self, learning_rate, size, dtype=np.float32):
        super().__init__(learning_rate, size, dtype)
        self.corrected_rate, self.corrected_epsilon = np.array(0, dtype), np.array(0, dtype)

    def advance(self):
        super().advance()
        root = (1 - self.beta2**self.t) ** 0.5
        self.corrected_rate[()] = self.rate * root / (1 - self.beta1**self.t)
        self.corrected_epsilon[()] = self.epsilon * root

    def update(self, p, g, m, v):
        m *= self.beta1
        m += (1 - self.beta1) * g
        v *= self.beta2
        v += (1 - self.beta2) * (g * g)
        p -= self.corrected_rate * m / (np.sqrt(v) + self.corrected_epsilon)


OPTIMIZERS = {optimizer.name: optimizer for optimizer in (SGD, Momentum, Adam)}
