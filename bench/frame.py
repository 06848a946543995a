"""What looking costs: the time of one live frame, and the share of training time that a few of them a second take."""

from __future__ import annotations

import json
import time
from typing import Any

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
    return [_row(name, Experiment(**fields)) for name, fields in EXPERIMENTS.items()]


def _row(name: str, experiment: Experiment) -> dict[str, Any]:
    run = Run(experiment, "max")
    run.play()
    times, size = [], 0
    for number in range(FRAMES):
        run.advance(0.01)
        run.reset() if run.status == "diverged" else run.play()
        begin = time.process_time()
        size = len(run.frame({"build": run.build_number} if number else {}))
        times.append(time.process_time() - begin)
    typical = sorted(times)[FRAMES // 2]
    return {
        "workload": name,
        "frame_ms": typical * 1000,
        "frame_kb": size / 1000,
        "frames_per_second": FRAMES_PER_SECOND,
        "share": typical * FRAMES_PER_SECOND,
        "limit": LIMIT,
    }


if __name__ == "__main__":
    print(json.dumps(rows()))
