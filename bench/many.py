"""Groups of runs, as the Compare page trains them: the default experiment many times, on one thread.

Seconds are those of the processor, so that a busy machine does not count.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from bench.processes import Implementation, Missing, rows_of
from bench.workloads import WORKLOADS as NETWORKS
from engine.c.compiler import SWITCH_VARIABLE
from lab.experiment.experiment import Experiment
from lab.experiment.group import Group
from lab.training.group_run import GroupRun

ROUNDS = 3
SLICE_S = 0.0025  # of training between two looks at the outcomes, as in a worker
PICTURE_S = 0.07  # between two pictures of all tiles, as the page Compare asks for them
CIRCLE = Experiment()
RATES = tuple(0.0001 * 10 ** (place / 13) for place in range(40))  # to 0.1
WORKLOADS = {
    "band of 30 runs": Group(CIRCLE, seeds=30),
    "40 learning rates, 5 runs of each": Group(CIRCLE, "learning_rate", RATES, 5),
    "8 x 8 tiles": Group(
        CIRCLE, "learning_rate", (0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0), 1,
        field2="batch_size", values2=(2, 4, 8, 10, 16, 32, 64, 128)),
}  # fmt: skip
JAX = "jax-runs", "W7-32"  # peer and workload: the same training, of many seeds at once with vmap


def measure(
    workloads: Sequence[str], rounds: int = ROUNDS, start: Callable[..., Any] = Implementation
) -> dict[str, Any]:
    """`rows`, one per group of runs, and `missing`, peer -> reason."""
    report: dict[str, Any] = {"rows": [], "missing": {}}
    for name in workloads:
        report["rows"] += rows_of("bench.many", name, str(rounds))
    try:
        jax = _jax_seconds(rounds, start)
    except Missing as reason:
        jax, report["missing"][JAX[0]] = None, str(reason)
    for row in report["rows"]:
        row["jax_ratio"] = _ratio(WORKLOADS[row["workload"]], row["seconds"], jax)
    return report


def _jax_seconds(rounds: int, start: Callable[..., Any]) -> float:
    """Of the processor, for one run among many. Raises Missing."""
    peer = start(*JAX)
    try:
        peer.ready()
        timings = [peer(1) for _ in range(rounds)]
        return min(t.cpu / t.steps for t in timings) / NETWORKS[JAX[1]].samples
    finally:
        peer.close()


def _ratio(group: Group, seconds: float, jax: float | None) -> float | None:
    """JAX's time / ours. None where vmap has no such work: runs whose batches differ in size."""
    return jax * len(group.members) / seconds if jax and group.field2 != "batch_size" else None


def measured(name: str, group: Group, rounds: int) -> dict[str, Any]:
    """A row, of medians over the rounds after one that compiles.

    seconds: until all runs are done; first_ms: until there is something to see; pictures_per_second: runs that end,
    each of which changes the picture, or pictures of all tiles with their maps, where these train at the same time.
    """
    times = [_train(group) for _ in range(rounds + 1)][1:]
    seconds, first, pictures = (statistics.median(column) for column in zip(*times, strict=True))
    return {"workload": name, "seconds": seconds, "first_ms": 1000 * first,
            "pictures_per_second": pictures / seconds}  # fmt: skip


def _train(group: Group) -> tuple[float, float, int]:
    """Seconds until all runs are done, and until there is something to see; the number of pictures."""
    clock, first, walls, shown = time.process_time, None, 0, 0.0
    began = clock()
    run = GroupRun(group, clock)
    while not run.finished:
        run.advance(SLICE_S)
        if clock() - shown >= PICTURE_S and run.so_far():
            walls, shown = walls + 1, clock()
        if first is None and (run.outcomes or walls):
            first = clock() - began
    return clock() - began, first or 0.0, walls or len(run.outcomes)


if __name__ == "__main__":
    os.environ[SWITCH_VARIABLE] = "wait"  # for the compiler
    print(json.dumps([measured(sys.argv[1], WORKLOADS[sys.argv[1]], int(sys.argv[2]))]))
