"""What each optimization of the engine gains: the cost of a step without it, divided by the cost with it.

An optimization is removed by replacing one name of the engine with its plain form; both trainers then run in turns.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np

from bench.paired import Run, Timing, compare
from bench.peers import ours
from bench.workloads import WORKLOADS as NETWORKS
from bench.workloads import examples
from engine.c.compiler import SWITCH_VARIABLE
from engine.formulas import optimizers
from engine.network import network
from engine.tape import recording, tape
from engine.tape.evaluation_tape import EvaluationTape

WORKLOADS = {name: NETWORKS[name] for name in ("W1-sgd", "W2", "W3-sgd-64", "W3-adam-64", "W4", "W5", "W6")}
ROUNDS = 7


class Trick(NamedTuple):
    name: str
    sentence: str
    plain: tuple[Any, str, Any]  # owner, name and its replacement
    slots: bool = True  # whether it can be removed from a step with changing numbers (Adam's corrections)
    looks: bool = False  # whether it concerns evaluation, not training

    def without(self) -> AbstractContextManager:
        return patch.object(*self.plain)


def _learn_directly(self: Any, learn: Callable, batch: np.ndarray) -> Callable[[np.ndarray], None]:
    def replay(batch: np.ndarray) -> None:
        learn(*(source[batch] for source in self.whole))

    replay(batch)
    return replay


def _matmul(self: Any, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    self.call(np.matmul, a, b, out)
    self.product = a, b, out, len(self.calls)


_tape_lease, _tape_apply = tape.Tape.lease, tape.Tape.apply


def _lease(self: Any, result: np.ndarray) -> Any:
    self.free.clear()
    return _tape_lease(self, result)


def _apply_numbers(self: Any, ufunc: Any, arrays: list, out: np.ndarray) -> None:
    _tape_apply(self, ufunc, arrays, out)
    function, arguments = self.calls[-1]
    numbers = (value.item() if value.ndim == 0 and value.base is None else value for value in arguments)
    self.calls[-1] = (function, tuple(numbers))


def _sum(self: Any, axis: Any = None, keepdims: bool = False, out: Any = None) -> Any:
    if axis == 0 and out is not None and self.tape.sum_bias(self._array, out):
        return self.tape.wrap(out)
    return self._reduce(np.add, axis, keepdims, out)


def _nothing_below(self: Any, features: np.ndarray) -> None:
    return None


def _rows(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.empty((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1]), a.dtype)


TRICKS = {
    trick.name: trick
    for trick in (
        Trick("tape", "replay the calls of a recorded step", (recording.BatchRecorder, "record", _learn_directly)),
        Trick("float32", "numbers of 4 bytes, not 8", (ours, "Network", partial(ours.Network, dtype=float))),
        Trick("dot", "ndarray.dot, not np.matmul", (tape.Tape, "matmul", _matmul)),
        Trick("numbers", "numbers as 0-d arrays", (tape.Tape, "apply", _apply_numbers), slots=False),
        Trick("memory", "reuse the memory of results that are no longer needed", (tape.Tape, "lease", _lease)),
        Trick("ones", "sums over samples as a product with ones", (tape.Traced, "sum", _sum)),
        Trick("bias", "the bias is a row of the weights, times ones", (tape.Tape, "ones_below", _nothing_below)),
        Trick("features", "the samples of a unit are contiguous", (tape, "_feature_by_feature", _rows)),
        Trick("joined", "gather samples and targets together", (recording, "MAX_JOINED_WIDTH", 0)),
        Trick("clip", "gather without a second buffer", (recording, "TAKE_MODE", "raise")),
        Trick("parts", "split a batch that is too large for the cache", (network, "MAX_WORKSPACE", 1 << 60)),
        Trick("blocks", "update parameters block by block", (optimizers, "BLOCK_SIZE", 1 << 30)),
        Trick("glance", "tanh of a map from exp", (EvaluationTape, "apply", tape.Tape.apply), looks=True),
    )
}  # fmt: skip


def measure(workloads: Sequence[str] = tuple(WORKLOADS), rounds: int = ROUNDS) -> dict[str, Any]:
    """`rows`, one per workload and optimization. Most of the optimizations are those of the tape."""
    with patch.dict(os.environ, {SWITCH_VARIABLE: "off"}):
        return {"rows": [row for name in workloads for row in _rows_of(name, rounds)]}


def _rows_of(workload: str, rounds: int) -> list[dict[str, Any]]:
    print(workload, file=sys.stderr, flush=True)
    network = NETWORKS[workload]
    x, y = examples(network)
    fitting = [trick for trick in TRICKS.values() if trick.looks == (network.kind == "grid")]
    chosen = [trick for trick in fitting if trick.slots or network.optimizer == "sgd"]
    runs = {"all": _trainer(workload, x, y, nullcontext)}
    runs |= {trick.name: _trainer(workload, x, y, trick.without) for trick in chosen}
    comparisons = compare(runs, "all", rounds=rounds)[1:]
    return [
        {
            "workload": workload,
            "trick": c.name,
            "ratio": c.ratio,
            "q1": c.q1,
            "q3": c.q3,
            "what": TRICKS[c.name].sentence,
        }
        for c in comparisons
    ]


def _trainer(workload: str, x: np.ndarray, y: np.ndarray, without: Callable[[], AbstractContextManager]) -> Run:
    def play(steps: int) -> None:
        for _ in range(steps):
            trainer.advance()

    with without():
        trainer = ours.build(NETWORKS[workload], x, y)
        act = ours.look(trainer, x) if NETWORKS[workload].kind == "grid" else play

    @np.errstate(all="ignore")
    def run(steps: int) -> Timing:
        with without():
            wall, cpu = time.perf_counter(), time.process_time()
            act(steps)
            return Timing(steps, time.perf_counter() - wall, time.process_time() - cpu)

    return run
