"""The style of a first tutorial: float64, one column per sample, a new array for every intermediate result."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from bench.peers import batches
from bench.workloads import Workload


class Columns:
    """A dense network on columns; z = W a + b."""

    def __init__(self, workload: Workload) -> None:
        rng, sizes = np.random.default_rng(0), workload.sizes
        self.workload, self.t = workload, 0
        self.W = [rng.normal(size=(o, i)) / np.sqrt(i) for i, o in pairwise(sizes)]
        self.b = [np.zeros((o, 1)) for o in sizes[1:]]
        self.slots = {id(row): [[np.zeros_like(p) for p in row] for _ in range(2)] for row in (self.W, self.b)}

    def hidden(self, z):
        return np.tanh(z) if self.workload.binary else np.maximum(0, z)

    def slope(self, z):
        return 1 - np.tanh(z) ** 2 if self.workload.binary else (z > 0).astype(float)

    def output(self, z):
        if self.workload.binary:
            return 1 / (1 + np.exp(-z))
        e = np.exp(z - np.max(z, axis=0, keepdims=True))
        return e / np.sum(e, axis=0, keepdims=True)

    def forward(self, x):
        a, z = [x], []
        for k, (W, b) in enumerate(zip(self.W, self.b, strict=True)):
            z.append(W.dot(a[-1]) + b)
            a.append(self.output(z[-1]) if k == len(self.W) - 1 else self.hidden(z[-1]))
        return a, z

    def step(self, x, t):
        a, z = self.forward(x)
        m, dz = x.shape[1], a[-1] - t
        self.t += 1
        for k in reversed(range(len(self.W))):
            dW, db = 1 / m * dz.dot(a[k].T), 1 / m * np.sum(dz, axis=1, keepdims=True)
            if k:
                dz = self.W[k].T.dot(dz) * self.slope(z[k - 1])
            self.update(self.W, k, dW)
            self.update(self.b, k, db)

    def update(self, row, k, g):
        rate = self.workload.learning_rate
        if self.workload.optimizer == "sgd":
            row[k] = row[k] - rate * g
            return
        m, v = self.slots[id(row)]
        m[k] = 0.9 * m[k] + 0.1 * g
        v[k] = 0.999 * v[k] + 0.001 * g**2
        m_hat, v_hat = m[k] / (1 - 0.9**self.t), v[k] / (1 - 0.999**self.t)
        row[k] = row[k] - rate * m_hat / (np.sqrt(v_hat) + 1e-8)


def make(workload: Workload, x: np.ndarray, y: np.ndarray, variant: str = "") -> Callable[[int], int]:
    network, columns, rng = Columns(workload), x.T.astype(float), np.random.default_rng(1)
    targets = y[None, :].astype(float) if workload.binary else np.eye(10)[:, y]
    size = workload.batch
    if workload.kind == "grid":
        return batches(1, 1, lambda: None, lambda epoch, number: network.forward(columns))
    if workload.full:
        return batches(1, 1, lambda: None, lambda epoch, number: network.step(columns, targets))

    def begin():
        order = rng.permutation(len(x))
        return columns[:, order], targets[:, order]

    def step(epoch, number):
        part = slice(number * size, (number + 1) * size)
        network.step(epoch[0][:, part], epoch[1][:, part])

    return batches(len(x), size, begin, step)
