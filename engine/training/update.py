"""From the gradients to a step: penalties, clipping, the optimiser, limits."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from engine.formulas.optimizers import Optimizer
from engine.formulas.regularizers import REGULARIZERS
from engine.network.network import Network
from engine.tape.tape import follow, perform
from engine.training.settings import Settings


def update(network: Network, optimizer: Optimizer, s: Settings, strengths: Mapping[str, Any], x: Any) -> None:
    """One step of all parameters. strengths: of each regulariser; x is only asked whether the step is recorded."""
    rules = [(rule, strengths[rule.name]) for rule in REGULARIZERS.values() if getattr(s, rule.name)]
    for (W, dW), (rule, strength) in product(network.weights, rules):
        if rule.gradient:
            follow(x, dW)[:] += rule.gradient(follow(x, W), strength)
    if s.clip_value:
        perform(x, np.clip, network.gradients, -s.clip_value, s.clip_value, network.gradients)
    if s.clip_norm:
        perform(x, shorten, network.gradients, s.clip_norm)
    optimizer.step(follow(x, network.parameters), follow(x, network.gradients))
    for (W, _), (rule, strength) in product(network.weights, rules):
        if rule.project:
            rule.project(follow(x, W), strength)


def shorten(g: Any, limit: float) -> None:
    """Scale a gradient (P,) to the length `limit` if it is longer; without asking for its length, which may be far."""
    g *= limit / np.maximum(np.sqrt(g.dot(g)), limit)
