"""Peak memory of a process that trains 784-128-10 on a data set of MNIST's size."""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

import numpy as np

from bench.peers.ours import build
from bench.workloads import WORKLOADS

TEST_SAMPLES = 10_000
LIMIT_MB = 500


def peak_mb() -> float:
    """Peak memory of this process so far, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def rows() -> list[dict[str, Any]]:
    """One row: before loading the pictures, after loading, and after an epoch with its evaluation."""
    workload, empty = WORKLOADS["W3-adam-64"], peak_mb()
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (workload.samples + TEST_SAMPLES, 784), np.uint8)
    labels = rng.integers(0, 10, len(pixels))
    train, test = pixels[TEST_SAMPLES:], pixels[:TEST_SAMPLES]
    loaded = peak_mb()
    trainer = build(workload, scaled(train), labels[TEST_SAMPLES:], (scaled(test), labels[:TEST_SAMPLES]))
    trainer.epoch()
    measured = {"empty_mb": empty, "loaded_mb": loaded, "peak_mb": peak_mb(), "limit_mb": LIMIT_MB}
    return [{"workload": "60000 + 10000 pictures", **measured}]


def scaled(pixels: np.ndarray) -> np.ndarray:
    """0..255 -> 0..1 in float32, without an intermediate array."""
    return np.multiply(pixels, np.float32(1 / 255), dtype=np.float32)


if __name__ == "__main__":
    print(json.dumps(rows()))
