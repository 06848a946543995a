"""Benchmark of the engine and its peers on the CPU: the cost of a step, of a live frame, and how costs grow.

Every implementation gets one thread. The floor is only the matrix products of a step.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from bench.paired import compare
from bench.peers import OURS, PEERS
from bench.processes import Implementation, Missing, rows_of
from bench.workloads import WORKLOADS as NETWORKS

SECTIONS = {  # each prints its own rows
    "frame": "bench.frame", "compile": "bench.compile", "memory": "bench.memory", "growth": "bench.growth",
}  # fmt: skip
WORKLOADS = {**NETWORKS, **SECTIONS}
ROUNDS = 7
ALL = [peer for peer in PEERS if peer != OURS]
BEFORE = "before"  # the peer that is our own engine in another checkout

# The minimum of a peer's cost divided by ours; for the floor, its minimum share of our time.
TARGETS = {
    "pytorch-eager": {
        "W1-sgd": 200, "W1-adam": 180, "W2": 1.4, "W3-sgd-64": 2.6, "W3-adam-64": 2.6, "W3-adam-32": 2.8, "W4": 1.9,
        "W5": 10, "W6": 1.9,
    },
    "jax-jit": {
        "W1-sgd": 40, "W1-adam": 35, "W2": 1.0, "W3-sgd-64": 1.1, "W3-adam-64": 1.25, "W3-adam-32": 1.25, "W4": 1.0,
        "W5": 2, "W6": 4,
    },
    "jax-scan": {
        "W1-sgd": 8, "W1-adam": 6, "W3-sgd-64": 1.0, "W3-adam-64": 1.1, "W3-adam-32": 1.1, "W4": 1.0, "W6": 12,
    },
    "our-tape": {
        "W1-sgd": 15, "W1-adam": 15, "W2": 1.0, "W3-sgd-64": 1.25, "W3-adam-64": 1.6, "W3-adam-32": 1.7, "W4": 1.2,
    },
    "jax-runs": {"W7-32": 3},
    "scikit-learn": {
        "W1-sgd": 17, "W1-adam": 15, "W2": 3, "W3-sgd-64": 2.5, "W3-adam-64": 2.4, "W3-adam-32": 2.2, "W4": 1.7,
        "W5": 3.5,
    },
    "seeds-way": {
        "W1-sgd": 4, "W1-adam": 5, "W2": 1.7, "W3-sgd-64": 2, "W3-adam-64": 3.5, "W3-adam-32": 3.5, "W4": 2.5,
    },
    "blas-floor": {"W3-sgd-64": 0.7, "W3-sgd-32": 0.7, "W4": 0.7},
}  # fmt: skip


def measure(
    workloads: Sequence[str],
    peers: Sequence[str] = (),
    rounds: int = ROUNDS,
    data_dir: str = "",
    before: str = "",
    start: Callable[..., Any] = Implementation,
) -> dict[str, Any]:
    """`rows`, one per workload and peer; `missing`, peer -> reason; `versions`; and the other sections.

    before: the folder of another checkout, whose engine takes part as the peer "before".
    start: (peer, workload, data_dir) -> an object with `ready`, `close` and a call that runs steps.
    """
    report: dict[str, Any] = {"rows": [], "missing": {}, "versions": {}}
    for name in workloads:
        if name in SECTIONS:
            report[name] = rows_of(SECTIONS[name])
        else:
            able = [peer for peer in peers or ALL if name not in PEERS[peer].skipped and peer not in report["missing"]]
            starts = {peer: partial(start, peer, name, data_dir) for peer in (OURS, *able)}
            if before:
                starts[BEFORE] = partial(start, OURS, name, data_dir, root=before)
            _compare(name, starts, rounds, report)
    return report


def _compare(workload: str, starts: Mapping[str, Callable[[], Any]], rounds: int, report: dict[str, Any]) -> None:
    print(f"{workload}: {NETWORKS[workload].label}", file=sys.stderr, flush=True)
    running = {}
    try:
        for peer, start in starts.items():  # one at a time, since loading a library keeps the machine busy
            implementation = start()
            try:
                report["versions"][peer] = implementation.ready()
                running[peer] = implementation
            except Missing as reason:
                report["missing"][peer] = str(reason)
        if OURS in running:
            comparisons = {c.name: c for c in compare(running, OURS, rounds=rounds)}
            report["rows"] += [_row(workload, comparisons[peer], comparisons[OURS]) for peer in running if peer != OURS]
    finally:
        for implementation in running.values():
            implementation.close()


def _row(workload: str, peer: Any, ours: Any) -> dict[str, Any]:
    return {
        "workload": workload,
        "peer": peer.name,
        "ratio": peer.ratio,
        "q1": peer.q1,
        "q3": peer.q3,
        "wall_ratio": peer.wall_ratio,
        "target": TARGETS.get(peer.name, {}).get(workload),
        "peer_us": peer.cpu_us,
        "our_us": ours.cpu_us,
        "our_shortest_us": ours.wall_us,
        "our_samples_per_second": NETWORKS[workload].batch / ours.cpu_us * 1e6,
    }
