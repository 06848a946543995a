"""A study on Dask clusters of 1, 2 and 4 worker processes: the same trials, how much faster, and with a killed worker.

Each cluster trains a few trials before its clock starts, so that starting processes and compiling do not count. Its
workers are set up as docs/operations.md says.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lab.studies.conduct import conduct
from lab.studies.dask_workers import DaskWorkers
from lab.studies.search import Search
from lab.studies.study import Study

CLUSTERS = (1, 2, 4)  # worker processes
KILLED = 2  # workers of the cluster of which one is killed in the middle
WARM_UP = 4  # trials, of another seed
WORKLOADS = {
    "digits": {
        "experiment": {"dataset": "digits", "hidden": [32], "activations": "relu", "optimizer": "adam",
                       "batch_size": 32, "epochs": 100, "validation_share": 0.25},
        "space": {"learning_rate": {"low": 0.0003, "high": 0.03, "log": True}, "hidden": [[32], [64]]},
        "trials": 64, "sampler": "random", "pruner": "none", "seeds": 3,
    },
    "moons": {
        "experiment": {"dataset": "moons", "samples": 60, "hidden": [4], "epochs": 5, "validation_share": 0.3},
        "space": {"learning_rate": {"low": 0.01, "high": 1, "log": True}},
        "trials": 16, "sampler": "random", "pruner": "none", "seeds": 1,
    },
}  # fmt: skip


def measure(workloads: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each workload and cluster, and one for a cluster of which a worker is killed in the middle.

    efficiency: seconds of one worker / (seconds x workers). same_rows: whether all trials are those of one worker.
    lost, doubled: trials without an outcome, and with more than one.
    """
    rows: list[dict[str, Any]] = []
    for name in workloads:
        study = Study.with_notes_from_json(json.dumps(WORKLOADS[name]))[0]
        one: tuple[float, list[Any]] | None = None
        for workers, kills in (*((count, False) for count in CLUSTERS), (KILLED, True)):
            seconds, trials = conducted(study, workers, kills)
            one = one or (seconds, trials)
            numbers = [trial["number"] for trial in trials]
            rows.append({
                "workload": name, "trials": len(trials), "workers": workers, "killed": int(kills), "seconds": seconds,
                "efficiency": one[0] / (seconds * workers), "same_rows": trials == one[1],
                "lost": study.trials - len({*numbers}), "doubled": len(numbers) - len({*numbers}),
            })  # fmt: skip
    return rows


def conducted(study: Study, count: int, kills: bool) -> tuple[float, list[Any]]:
    """Seconds, and the rows without their times, on a cluster of `count` processes."""
    import dask.config
    from distributed import LocalCluster

    quiet: Any = {"n_workers": count, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with dask.config.set({"distributed.worker.profile.enabled": False}), LocalCluster(**quiet) as cluster:
        train(replace(study, seed=study.seed + 1, trials=WARM_UP * count), cluster)
        begin = time.perf_counter()
        search = train(study, cluster, study.trials // 2 if kills else 0)
        seconds = time.perf_counter() - begin
    return seconds, [{name: value for name, value in row.items() if name != "seconds"} for row in search.rows()]


def train(study: Study, cluster: Any, kill_after: int = 0) -> Search:
    """Conduct a study; if kill_after is not 0, kill a worker after that number of outcomes."""
    workers, search, told = DaskWorkers(cluster.scheduler_address, {}), Search(study), itertools.count(1)

    def kill_one(*_: Any) -> None:
        if next(told) == kill_after:
            os.kill(min(workers.pids()), signal.SIGKILL)

    conduct(search, workers, threading.Event(), kill_one)
    workers.close()
    return search
