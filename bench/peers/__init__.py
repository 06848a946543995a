"""The table of compared implementations. A peer whose library is not installed is reported as missing.

Each has a module with `make(workload, x, y, variant) -> run`, and `run(steps)` returns the number of completed steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from bench.workloads import EVALUATED, WORKLOADS

OURS = "ours"
RUNS = ("W7", "W7-32")  # whole runs
EVALUATING = tuple(f"{name}+eval" for name in EVALUATED)


class Peer(NamedTuple):
    name: str
    module: str  # in bench.peers
    package: str  # whose version is reported
    variant: str = ""
    skipped: tuple[str, ...] = ()  # workloads that it does not implement


PEERS = {
    peer.name: peer
    for peer in (
        Peer(OURS, "ours", "numpy"),
        Peer("our-tape", "ours", "numpy", "tape"),
        Peer("pytorch-eager", "pytorch", "torch", skipped=RUNS),
        Peer("pytorch-compile", "pytorch", "torch", "compile", RUNS),
        Peer("jax-jit", "jax_steps", "jax", skipped=RUNS),
        Peer(
            "jax-scan", "jax_steps", "jax", "scan", ("W2", "W5", *RUNS)
        ),  # single evaluations and very long steps gain nothing
        Peer("jax-runs", "jax_runs", "jax", skipped=tuple(name for name in WORKLOADS if name not in RUNS)),
        Peer("scikit-learn", "scikit_learn", "scikit-learn", skipped=("W6", *RUNS, *EVALUATING)),  # has no convolutions
        Peer("seeds-way", "seeds_way", "numpy", skipped=("W6", *RUNS, *EVALUATING)),
        Peer("blas-floor", "blas_floor", "numpy", skipped=(*RUNS, *EVALUATING)),
    )
}


def batches(
    samples: int, batch: int, begin: Callable[[], Any], step: Callable[[Any, int], Any], end: Callable[[], Any] = int
) -> Callable[[int], int]:
    """A run of step(epoch, batch number); begin() starts an epoch, end() follows it. Partial batches are skipped."""
    count, number, epoch = samples // batch, samples // batch, None

    def run(steps: int) -> int:
        nonlocal number, epoch
        for _ in range(steps):
            if number == count:
                number, epoch = 0, begin()
            step(epoch, number)
            number += 1
            if number == count:
                end()
        return steps

    return run
