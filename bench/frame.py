"""The cost of a live frame, and the share of training time that four frames per second take."""

from __future__ import annotations

import json
import os
import statistics
import struct
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.workloads import INK_FRACTION
from lab.experiment.experiment import Experiment
from lab.protocol.messages import GetFrame
from lab.training.run import Run

PICTURES = {"train-images-idx3-ubyte": 60_000, "t10k-images-idx3-ubyte": 10_000}
EXPERIMENTS: dict[str, dict[str, Any]] = {
    "2-8-8-1, circle": {"hidden": (8, 8)},
    "7 features, 6 x 8, spiral": {
        "dataset": "spiral", "hidden": (8,) * 6, "features": ("x1", "x2", "x1^2", "x2^2", "x1*x2", "sin_x1", "sin_x2"),
    },
    "digits, 64-32": {"dataset": "digits", "hidden": (64, 32)},
    "70000 pictures, 784-128-10": {"dataset": "mnist", "hidden": (128,), "optimizer": "adam", "batch_size": 64},
    "70000 pictures, 784-512-512-10": {
        "dataset": "mnist", "hidden": (512, 512), "optimizer": "adam", "batch_size": 128,
    },
    "70000 pictures, 8 and 16 filters": {"dataset": "mnist", "conv": (8, 16), "hidden": (), "batch_size": 64},
}  # fmt: skip
FRAMES_PER_SECOND, FRAMES, MAX_SHARE = 4, 60, 0.03


def rows() -> list[dict[str, Any]]:
    """One row per experiment; `share` is the fraction of one core's training time."""
    with tempfile.TemporaryDirectory() as folder:
        _write_pictures(Path(folder))
        os.environ["BACKPROP_DATA"] = folder
        return [_live(name, Experiment(**fields)) for name, fields in EXPERIMENTS.items()]


def _write_pictures(folder: Path) -> None:
    """Write files in the format of MNIST, with random pixels as sparse as handwriting."""
    rng = np.random.default_rng(0)
    for name, count in PICTURES.items():
        pixels = rng.integers(0, 256, (count, 28, 28), np.uint8)
        pixels *= rng.random(pixels.shape, np.float32) < INK_FRACTION
        labels = rng.integers(0, 10, count, np.uint8)
        (folder / name).write_bytes(struct.pack(">4I", 2051, count, 28, 28) + pixels.tobytes())
        name = name.replace("images-idx3", "labels-idx1")
        (folder / name).write_bytes(struct.pack(">2I", 2049, count) + labels.tobytes())


def _live(name: str, experiment: Experiment) -> dict[str, Any]:
    run = Run(experiment, "max")
    run.play()
    times, size = [], 0
    for number in range(FRAMES):
        run.advance(0.01)
        run.reset() if run.status == "diverged" else run.play()
        begin = time.process_time()
        size = len(run.frame(GetFrame(build=run.build_number) if number else GetFrame()))
        times.append(time.process_time() - begin)
    return _row(name, times, size / 1000)


def _row(name: str, times: list[float], kilobytes: float) -> dict[str, Any]:
    typical = statistics.median(times)
    return {
        "workload": name,
        "frame_ms": typical * 1000,
        "frame_kb": kilobytes,
        "frames_per_second": FRAMES_PER_SECOND,
        "share": typical * FRAMES_PER_SECOND,
        "limit": MAX_SHARE,
    }


if __name__ == "__main__":
    print(json.dumps(rows()))
