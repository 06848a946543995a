"""Regularizers: they keep weights small, so that a network fits the pattern and not the noise.

They apply to weights only. Biases are never penalized: they move a boundary but do not make it more curved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Regularizer(NamedTuple):
    name: str
    label: str
    penalty: Callable | None  # (W, rate) -> number that is added to the loss; None for a limit
    gradient: Callable | None  # (W, rate) -> what is added to dL/dW (I, O); None for a limit
    project: Callable | None  # (W, limit): brings W (I, O) back within the limit, in place; None for a penalty
    formula: str  # LaTeX
    sentence: str


def _l1(W, rate):
    return rate * np.abs(W).sum()


def _l1_gradient(W, rate):
    return rate * np.sign(W)


def _l2(W, rate):
    return rate / 2 * (W * W).sum()


def _l2_gradient(W, rate):
    return rate * W


def _max_norm_project(W, limit):
    norms = np.sqrt((W * W).sum(axis=0, keepdims=True))  # (1, O), one for each unit
    W *= limit / np.maximum(norms, limit)  # 1 for a unit within the limit


REGULARIZERS = {
    r.name: r
    for r in (
        Regularizer(
            "l1", "L1", _l1, _l1_gradient, None, r"\lambda \sum |w|",
            "Pulls every weight towards zero with the same force, so that unneeded ones end at zero."),
        Regularizer(
            "l2", "L2", _l2, _l2_gradient, None, r"\tfrac{\lambda}{2} \sum w^2",
            "Pulls large weights hardest, so that no single one dominates; also called coupled weight decay."),
        Regularizer(
            "max_norm", "Max norm", None, None, _max_norm_project, r"\lVert w_{\text{unit}} \rVert_2 \le c",
            "After each step the weights into a neuron are scaled back if their length exceeds the limit."),
    )
}  # fmt: skip
