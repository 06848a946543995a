"""A lower bound: only the matrix products of a step, into preallocated memory."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from bench.workloads import Workload


def make(workload: Workload, x: np.ndarray, y: np.ndarray, variant: str = "") -> Callable[[int], int]:
    pairs = factors(workload, x[: workload.batch])
    products = [(a, b, np.empty((a.shape[0], b.shape[1]), np.float32)) for a, b in pairs]

    def run(steps: int) -> int:
        for _ in range(steps):
            for a, b, out in products:
                np.dot(a, b, out)
        return steps

    return run


def factors(workload: Workload, x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of matrices whose products make a step: forward, gradient of the weights, gradient of the input."""
    rng = np.random.default_rng(0)
    if workload.kind == "conv":  # patches of 9 and 72 numbers at 26 x 26 and 11 x 11 places, then 400 inputs
        n = workload.batch
        shapes = [(8, 9, 26 * 26 * n), (16, 72, 11 * 11 * n), (10, 400, n)]
        inputs = [rng.random((inner, right), np.float32) for _, inner, right in shapes]
    else:
        shapes = [(o, i, len(x)) for i, o in pairwise(workload.sizes)]
        inputs = [np.ascontiguousarray(x).T, *(rng.random((i, n), np.float32) for _, i, n in shapes[1:])]
    pairs = []
    for number, ((o, i, n), right) in enumerate(zip(shapes, inputs, strict=True)):
        W, dz = rng.random((o, i), np.float32), rng.random((o, n), np.float32)
        pairs.append((W, right))
        if workload.kind != "grid":
            pairs.append((dz, right.T))
            if number:
                pairs.append((W.T, dz))
    return pairs
