"""How the time per sample grows with the network: a bend shows a cost other than arithmetic."""

from __future__ import annotations

import json
import time
from itertools import product
from typing import Any

import numpy as np

from bench.peers.ours import build
from bench.workloads import Workload

INPUTS, OUTPUTS, SAMPLES = 64, 10, 2048
WIDTHS, DEPTHS, BATCHES = (8, 32, 128, 512), (1, 2, 4), (10, 32, 128, 512)
MEASURED_S = 0.04  # of training, three times


def rows() -> list[dict[str, Any]]:
    """One row per width, depth and batch size."""
    rng = np.random.default_rng(0)
    x, y = rng.random((SAMPLES, INPUTS), np.float32), rng.integers(0, OUTPUTS, SAMPLES)
    return [_row(width, depth, batch, x, y) for width, depth, batch in product(WIDTHS, DEPTHS, BATCHES)]


def _row(width: int, depth: int, batch: int, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    sizes = (INPUTS, *([width] * depth), OUTPUTS)
    trainer = build(Workload("", "", sizes, SAMPLES, batch, "sgd", 0.001), x, y)
    forward = sum(line.multiply_adds for line in trainer.network.summary())
    work = 3 * forward - INPUTS * width  # backward: gradients of weights and inputs, except the first layer's input
    trainer.run_for(MEASURED_S)
    best = min(_microseconds(trainer) for _ in range(3))
    return {
        "width": width,
        "depth": depth,
        "batch": batch,
        "multiply_adds": work,
        "sample_us": best,
        "multiply_adds_per_ns": work / best / 1000,
    }


def _microseconds(trainer: Any) -> float:
    """CPU time per sample, in microseconds."""
    steps, begin = trainer.steps, time.process_time()
    trainer.run_for(MEASURED_S)
    return (time.process_time() - begin) / (trainer.steps - steps) / trainer.batch_size * 1e6


if __name__ == "__main__":
    print(json.dumps(rows()))
