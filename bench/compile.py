"""Time to the first compiled step of a network in a new process, with an empty cache of programs and a filled one."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from typing import Any

from bench.serving import ROOT

ROUNDS = 5
EXPERIMENTS = {
    "2-8-8-1": {},
    "2-8-8-1, Adam": {"optimizer": "adam"},
    "2-8-8-8-8-8-8-1": {"hidden": [8] * 6},
    "64-64-32-10": {"dataset": "digits", "hidden": [64, 32]},
}
FIRST_STEP = """
import gc, json, statistics, sys, time
import numpy as np
from engine.c import relocation
from engine.c.compiler import compiler
from engine.c.runtime import load_runtime
from lab.experiment.experiment import Experiment
from lab.training.build import build
compiler()
begin = time.perf_counter()
load_runtime(np.dtype(np.float32))
shared = time.perf_counter()
trainer = build(Experiment(**json.loads(sys.argv[1]))).trainer
trainer.wait_for_compiler()
trainer.step()
assert trainer.executor.way == "compiled", trainer.executor.reason
first = time.perf_counter()
known = []
for _ in range(5):
    del trainer
    relocation._recent.clear()
    gc.collect()  # unloads the library
    trainer = build(Experiment(**json.loads(sys.argv[1]))).trainer
    known.append(time.perf_counter())
    trainer.prepare()
    trainer.executor.build.result()
    known[-1] = time.perf_counter() - known[-1]
print(json.dumps([shared - begin, first - shared, statistics.median(known)]))
"""


def rows() -> list[dict[str, Any]]:
    """Medians in milliseconds.

    shared_ms: what all programs share, once on a machine; first_ms: from building the network to its first step;
    cached_ms: the same once its program has been compiled; compile_ms: the difference. known_ms: sketching and loading
    it alone, in a process that has done both several times.
    """
    return [_row(network, fields) for network, fields in EXPERIMENTS.items()]


def _row(network: str, fields: dict[str, Any]) -> dict[str, Any]:
    shared, first, cached, known = [], [], [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            for times in (first, cached):
                took_shared, took, took_again = _first_step(fields, folder)
                times.append(took)
                known.append(took_again)
                if times is first:
                    shared.append(took_shared)
    return {
        "network": network,
        "shared_ms": 1000 * statistics.median(shared),
        "first_ms": 1000 * statistics.median(first),
        "cached_ms": 1000 * statistics.median(cached),
        "compile_ms": 1000 * statistics.median(a - b for a, b in zip(first, cached, strict=True)),
        "known_ms": 1000 * statistics.median(known),
    }


def _first_step(fields: dict[str, Any], folder: str) -> tuple[float, float, float]:
    """Seconds in a new process: for what all programs share, to the first step, and for the same program again."""
    environment = {**os.environ, "XDG_CACHE_HOME": folder, "PLAYGROUND_COMPILED": "wait"}
    words = [sys.executable, "-c", FIRST_STEP, json.dumps(fields)]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return tuple(json.loads(done.stdout))


if __name__ == "__main__":
    print(json.dumps(rows()))
