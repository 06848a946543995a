"""The implementations that are compared, in one table. A library that is not installed makes its peer a missing one.

Each has a small module with `make(workload, x, y, variant) -> run`, and `run(steps)` returns how many it has done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

OURS = "ours"


class Peer(NamedTuple):
    name: str
    module: str  # in bench.peers
    package: str  # whose version is reported
    variant: str = ""
    leaves_out: tuple[str, ...] = ()  # workloads that it has no sensible form for


PEERS = {
    peer.name: peer
    for peer in (
        Peer(OURS, "ours", "numpy"),
        Peer("pytorch-eager", "pytorch", "torch"),
        Peer("pytorch-compile", "pytorch", "torch", "compile"),
        Peer("jax-jit", "jax_steps", "jax"),
        Peer("jax-scan", "jax_steps", "jax", "scan", ("W2", "W5")),  # nothing to gain: one look, or very long steps
        Peer("scikit-learn", "scikit_learn", "scikit-learn", leaves_out=("W6",)),  # has no convolutions
        Peer("seeds-way", "seeds_way", "numpy", leaves_out=("W6",)),
        Peer("blas-floor", "blas_floor", "numpy"),
    )
}


def batches(
    samples: int, batch: int, begin: Callable[[], Any], step: Callable[[Any, int], Any]
) -> Callable[[int], int]:
    """run(n): n calls of step(epoch, number of the batch); begin() opens an epoch. Partial batches are left out."""
    count, number, epoch = samples // batch, samples // batch, None

    def run(steps: int) -> int:
        nonlocal number, epoch
        for _ in range(steps):
            if number == count:
                number, epoch = 0, begin()
            step(epoch, number)
            number += 1
        return steps

    return run
