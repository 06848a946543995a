"""Optimizers, in order of increasing complexity. Each turns a gradient into a step, on flat arrays of any length.

`update(p, g, *slots)` changes the parameters p and its own slots in place; its lines are the published formulas, with
PyTorch's definitions and default values. Numbers that may change during a run (the rate, Adam's corrections) live in
0-d arrays, so that a recorded step sees the change.

Two kinds of weight decay: L2 in the gradient is the coupled one (a regularizer, for every optimizer); AdamW's
`weight_decay` is the decoupled one, which shrinks the weights directly and not through the gradient's history.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.formulas.tracing import record_call, trace_like

BLOCK_SIZE = 1 << 15  # floats; a block of parameters, gradient and slots stays in the processor's cache


class Optimizer:
    """Base class with the learning rate, the step counter and the slots (flat arrays as long as the parameters).

    size: number of parameters; decays: flat array, 1 where decoupled weight decay applies and 0 where not (biases);
    None: everywhere.
    """

    name = label = formula = sentence = ""
    slot_names: tuple[str, ...] = ()
    block = 0  # parameters changed in one pass; 0: BLOCK_SIZE
    weight_decay: Any = None  # 0-d array; None: no decoupled weight decay

    def __init__(
        self,
        learning_rate: float,
        size: int,
        dtype: np.dtype | type = np.float32,
        *,
        decays: np.ndarray | None = None,
    ) -> None:
        self.rate = np.array(learning_rate, dtype)
        self.slots = {name: np.zeros(size, dtype) for name in self.slot_names}
        self.decays: Any = decays
        self.t = 0

    def advance(self) -> None:
        """Count the step: once per step, not once per parameter."""
        self.t += 1

    def numbers(self, t: Any, rate: Any) -> dict[str, Any]:
        """Attribute -> its value in step t with this rate, for the attributes that change from step to step.

        t and rate may be arrays, for many steps.
        """
        return {"rate": rate}

    def step(self, p: Any, g: Any) -> None:
        """One update of all parameters p by gradient g, both flat."""
        record_call(p, self.advance)
        size = self.block or BLOCK_SIZE
        for start in range(0, len(p), size):
            block = slice(start, start + size)
            self.shrink(p[block], block)
            self.update(p[block], g[block], *(trace_like(p, slot[block]) for slot in self.slots.values()))

    def shrink(self, p: Any, block: slice) -> None:
        """Decoupled weight decay; nothing by default."""

    def update(self, p: Any, g: Any, *slots: Any) -> None:
        raise NotImplementedError


class SGD(Optimizer):
    """Stochastic gradient descent (Robbins and Monro 1951)."""

    name, label = "sgd", "SGD"
    formula = r"p \leftarrow p - \eta g"
    sentence = "A step straight downhill, the longer the steeper; slow in long flat valleys."

    def update(self, p, g):
        p -= self.rate * g


class Momentum(Optimizer):
    """Polyak 1964, as in torch.optim.SGD with momentum 0.9: the rate is outside the velocity."""

    name, label, slot_names = "momentum", "Momentum", ("velocity",)
    formula = r"v \leftarrow \beta v + g,\; p \leftarrow p - \eta v"
    sentence = "A ball that rolls: past gradients carry on, so valleys are crossed faster; it may overshoot."
    beta = 0.9

    def update(self, p, g, v):
        v *= self.beta
        v += g
        p -= self.rate * v


class Nesterov(Momentum):
    """Nesterov 1983, in the form of Sutskever et al. 2013, as in torch.optim.SGD with nesterov=True."""

    name, label = "nesterov", "Nesterov"
    formula = r"v \leftarrow \beta v + g,\; p \leftarrow p - \eta\,(g + \beta v)"
    sentence = "Momentum that looks ahead to where the ball will be, and so brakes in time."

    def update(self, p, g, v):
        v *= self.beta
        v += g
        p -= self.rate * (g + self.beta * v)


class AdaGrad(Optimizer):
    """Duchi, Hazan and Singer 2011, as in torch.optim.Adagrad."""

    name, label, slot_names = "adagrad", "AdaGrad", ("square",)
    formula = r"s \leftarrow s + g^2,\; p \leftarrow p - \eta\, g / (\sqrt{s} + \epsilon)"
    sentence = "Parameters that have moved little take larger steps; all steps only ever get smaller."
    epsilon = 1e-10

    def update(self, p, g, s):
        s += g * g
        p -= self.rate * g / (np.sqrt(s) + self.epsilon)


class RMSProp(Optimizer):
    """Tieleman and Hinton 2012, as in torch.optim.RMSprop."""

    name, label, slot_names = "rmsprop", "RMSProp", ("square",)
    formula = r"s \leftarrow \alpha s + (1-\alpha)\, g^2,\; p \leftarrow p - \eta\, g / (\sqrt{s} + \epsilon)"
    sentence = "AdaGrad that forgets: each gradient is divided by its own recent size, so steps do not die out."
    alpha, epsilon = 0.99, 1e-8

    def update(self, p, g, s):
        s *= self.alpha
        s += (1 - self.alpha) * (g * g)
        p -= self.rate * g / (np.sqrt(s) + self.epsilon)


class Adam(Optimizer):
    """Kingma and Ba 2015, in the form at the end of their section 2: both corrections are folded into the step size."""

    name, label, slot_names = "adam", "Adam", ("mean", "square")
    formula = (
        r"m \leftarrow \beta_1 m + (1-\beta_1)\, g,\; v \leftarrow \beta_2 v + (1-\beta_2)\, g^2,\;"
        r" p \leftarrow p - \eta\,\hat m / (\sqrt{\hat v} + \epsilon)"
    )
    sentence = "Momentum, and a step size of its own for each parameter; a safe first choice."
    beta1, beta2, epsilon = 0.9, 0.999, 1e-8

    def __init__(self, learning_rate, size, dtype: Any = np.float32, *, decays=None):
        super().__init__(learning_rate, size, dtype, decays=decays)
        self.corrected_rate, self.corrected_epsilon = np.array(0, dtype), np.array(0, dtype)

    def corrections(self, t: Any, rate: Any) -> tuple[Any, Any]:
        """Corrected rate and epsilon of step t."""
        root = (1 - self.beta2**t) ** 0.5
        return rate * root / (1 - self.beta1**t), self.epsilon * root

    def numbers(self, t, rate):
        corrected_rate, corrected_epsilon = self.corrections(t, rate)
        return {"rate": rate, "corrected_rate": corrected_rate, "corrected_epsilon": corrected_epsilon}

    def advance(self):
        super().advance()
        rate, epsilon = self.corrections(self.t, float(self.rate))
        self.corrected_rate.fill(rate)
        self.corrected_epsilon.fill(epsilon)

    def update(self, p, g, m, v):
        m *= self.beta1
        m += (1 - self.beta1) * g
        v *= self.beta2
        v += (1 - self.beta2) * (g * g)
        p -= self.corrected_rate * m / (np.sqrt(v) + self.corrected_epsilon)


class AdamW(Adam):
    """Loshchilov and Hutter 2019, as in torch.optim.AdamW."""

    name, label = "adamw", "AdamW"
    formula = r"p \leftarrow p - \eta \lambda p,\ \text{then as Adam}"
    sentence = "Adam that also shrinks all weights by the same share in each step; good for large networks."

    def __init__(self, learning_rate, size, dtype: Any = np.float32, *, decays=None, weight_decay: float = 0.01):
        super().__init__(learning_rate, size, dtype)
        self.decays = np.ones(size, dtype) if decays is None else np.asarray(decays, dtype)
        self.weight_decay, self.share = np.array(weight_decay, dtype), np.array(0, dtype)

    def numbers(self, t, rate):
        return super().numbers(t, rate) | {"share": rate * float(self.weight_decay)}

    def advance(self):
        super().advance()
        self.share.fill(float(self.rate) * float(self.weight_decay))

    def shrink(self, p, block):
        p -= self.share * trace_like(p, self.decays[block]) * p


OPTIMIZERS = {o.name: o for o in (SGD, Momentum, Nesterov, AdaGrad, RMSProp, Adam, AdamW)}
