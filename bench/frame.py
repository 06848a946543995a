"""What looking costs: the time of one live frame, and the share of training time that a few of them a second take."""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

from bench.peers.ours import build
from bench.workloads import WORKLOADS, examples
from lab import probes
from lab.experiment import Experiment
from lab.run import Run

EXPERIMENTS: dict[str, dict[str, Any]] = {
    "2-8-8-1, circle": {"hidden": (8, 8)},
    "7 features, 6 x 8, spiral": {
        "dataset": "spiral", "hidden": (8,) * 6, "features": ("x1", "x2", "x1^2", "x2^2", "x1*x2", "sin_x1", "sin_x2"),
    },
    "digits, 64-32": {"dataset": "digits", "hidden": (64, 32)},
}  # fmt: skip
FRAMES_PER_SECOND, FRAMES, LIMIT = 4, 60, 0.03


def rows() -> list[dict[str, Any]]:
    """One row for each experiment; `share` is that of a processor that would train without pause otherwise."""
    return [*(_live(name, Experiment(**fields)) for name, fields in EXPERIMENTS.items()), _pictures()]


def _live(name: str, experiment: Experiment) -> dict[str, Any]:
    run = Run(experiment, "max")
    run.play()
    times, size = [], 0
    for number in range(FRAMES):
        run.advance(0.01)
        run.reset() if run.status == "diverged" else run.play()
        begin = time.process_time()
        size = len(run.frame({"build": run.build_number} if number else {}))
        times.append(time.process_time() - begin)
    return _row(name, times, size / 1000)


def _pictures() -> dict[str, Any]:
    """What a frame asks of a network for as many pictures as MNIST has: the scores and the confusion matrix."""
    x, y = examples(WORKLOADS["W3-adam-64"])
    trainer, times = build(WORKLOADS["W3-adam-64"], x, y), []
    for _ in range(9):
        trainer.step()
        begin = time.process_time()
        trainer.evaluate()
        probes.confusion(trainer)
        times.append(time.process_time() - begin)
    return _row("784-128-10, 60000 pictures", times)


def _row(name: str, times: list[float], kilobytes: float | None = None) -> dict[str, Any]:
    typical = statistics.median(times)
    return {
        "workload": name,
        "frame_ms": typical * 1000,
        "frame_kb": kilobytes,
        "frames_per_second": FRAMES_PER_SECOND,
        "share": typical * FRAMES_PER_SECOND,
        "limit": LIMIT,
    }


if __name__ == "__main__":
    print(json.dumps(rows()))
