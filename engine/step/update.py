"""The update of the parameters from a batch: gradient, penalties, clipping, optimizer, limits."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from engine.formulas.losses import Objective
from engine.formulas.optimizers import Optimizer
from engine.formulas.regularizers import REGULARIZERS
from engine.formulas.schedules import SCHEDULES
from engine.formulas.tracing import record_call, trace_like
from engine.network.network import Network
from engine.step.gradient import differentiate
from engine.step.settings import Settings


class StepFormulas:
    """The formulas of one training step and their settings.

    penalties: strength of each regularizer as a 0-d array, so that a recorded step sees a change.
    revision: incremented when the settings change, which invalidates recorded steps.
    """

    def __init__(self, network: Network, objective: Objective, optimizer: Optimizer, samples: int) -> None:
        self.network, self.objective, self.optimizer, self.samples = network, objective, optimizer, samples
        self.penalties = {name: np.zeros((), network.dtype) for name in REGULARIZERS}
        self.settings, self.batch_size, self.revision = Settings(), 0, 0

    def configure(self, settings: Settings) -> None:
        """Use these settings for the following steps."""
        self.settings = settings
        self.batch_size = min(settings.batch_size or self.samples, self.samples)
        for name, penalty in self.penalties.items():
            penalty[()] = getattr(settings, name)
        if self.optimizer.weight_decay is not None:
            self.optimizer.weight_decay[()] = settings.weight_decay
        self.revision += 1

    def set_rate(self, epoch: float) -> None:
        """Set the learning rate by the schedule. epoch: time in epochs, with fractions."""
        s = self.settings
        self.optimizer.rate[()] = s.learning_rate * SCHEDULES[s.schedule].factor(epoch, s.schedule_span)

    def learn(self, x: Any, t: Any) -> None:
        """One step on a batch x (N, D) with targets t (N, O): forward, loss, backward, update."""
        differentiate(self.network, self.objective, x, t)
        self.update(x)

    def update(self, like: Any) -> None:
        """Update the parameters from the gradients. like: an array of the step, traced if the step is recorded."""
        update(self.network, self.optimizer, self.settings, self.penalties, like)


def update(network: Network, optimizer: Optimizer, s: Settings, penalties: Mapping[str, Any], like: Any) -> None:
    """Update all parameters. penalties: by the name of the regularizer; like: see StepFormulas.update."""
    rules = [(rule, penalties[rule.name]) for rule in REGULARIZERS.values() if getattr(s, rule.name)]
    for (W, dW), (rule, penalty) in product(network.weights, rules):
        if rule.gradient:
            trace_like(like, dW)[:] += rule.gradient(trace_like(like, W), penalty)
    if s.clip_value:
        record_call(like, np.clip, network.gradients, -s.clip_value, s.clip_value, network.gradients)
    if s.clip_norm:
        record_call(like, clip_by_norm, network.gradients, s.clip_norm)
    optimizer.step(trace_like(like, network.parameters), trace_like(like, network.gradients))
    for (W, _), (rule, penalty) in product(network.weights, rules):
        if rule.project:
            rule.project(trace_like(like, W), penalty)


def clip_by_norm(g: Any, limit: float) -> None:
    """Scale a gradient (P,) to the length `limit` if it is longer, in place and without waiting for a device."""
    g *= limit / np.maximum(np.sqrt(g.dot(g)), limit)
