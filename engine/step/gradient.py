"""From a batch to the gradient of its mean loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.formulas.losses import Objective
from engine.formulas.tracing import trace_like
from engine.network.network import Network


def differentiate(network: Network, objective: Objective, x: Any, t: Any) -> None:
    """Forward and backward pass: fills network.gradients (P,) from x (N, ...) and targets t (N, O).

    t is made by `Objective.targets`. A batch of more than `network.max_batch` samples is split into parts of
    `network.part_size`: the gradient of its mean loss is the mean of the gradients of its parts, weighted by the total
    weight of their samples. A network that couples samples (BatchNorm) gets the whole batch.
    """
    if len(x) <= network.max_batch or network.couples_samples:
        z = network.forward(x, train=True)
        network.backward(objective.gradient(z, t))
        return
    gradients = trace_like(x, network.gradients)
    total = trace_like(x, np.zeros_like(network.gradients))
    total[:] = 0
    size = network.part_size
    for start in range(0, len(x), size):
        part = slice(start, start + size)
        z = network.forward(x[part], train=True)
        network.backward(objective.gradient(z, t[part]))
        total += gradients * (objective.count(t[part]) / objective.count(t))
    gradients[:] = total
