"""From a batch to the gradient of its mean loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.formulas.losses import Objective
from engine.network.network import Network
from engine.tape.tape import follow


def differentiate(network: Network, objective: Objective, x: Any, t: Any) -> None:
    """Forward and backward: fills network.gradients (P,) from x (N, ...) and what `objective.targets` made.

    More samples than stay in the processor's cache go through in parts. The gradient of their mean loss is the mean of
    the parts' gradients, each weighed by what its samples count; where samples mix, as in BatchNorm, nothing is parted.
    """
    size = network.at_once
    if len(x) <= size or network.mixes:
        z = network.forward(x, train=True)
        network.backward(objective.gradient(z, t))
        return
    gradients = follow(x, network.gradients)
    total = follow(x, np.zeros_like(network.gradients))
    total[:] = 0
    for start in range(0, len(x), size):
        part = slice(start, start + size)
        z = network.forward(x[part], train=True)
        network.backward(objective.gradient(z, t[part]))
        total += gradients * (objective.count(t[part]) / objective.count(t))
    gradients[:] = total
