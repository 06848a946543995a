"""Benchmark of the engine on a GPU, compared with itself on the CPU and with PyTorch on the same GPU.

Measures wall time and synchronizes the GPU before and after every run; 32-bit arithmetic without TF32 for all.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from bench.paired import Comparison, Run, Timing, compare
from bench.peers import OURS as ON_CPU
from bench.peers import ours
from bench.processes import Implementation, Missing
from bench.workloads import WORKLOADS as NETWORKS
from bench.workloads import Workload, examples
from engine.backend import Backend, Device, available_devices

OURS = "ours-gpu"
PEERS = {"cpu": "", "pytorch-eager": "eager", "pytorch-compile": "compile", "pytorch-graph": "graph"}
WORKLOADS = {  # name -> steps that are reported together: an epoch, or 2000 full batches
    "W2": 2000,
    "W3-sgd-64": 938,
    "W4": 157,
    "W1-sgd": 50,
}
ROUNDS = 7


def measure(
    workloads: Sequence[str], peers: Sequence[str] = (), rounds: int = ROUNDS, cards: Sequence[Device] | None = None
) -> dict[str, Any]:
    """`rows`, one per workload and peer; `gpu`, its name or why there is none; `missing`, peer -> reason;
    `kernels`, workload -> number of kernels in our step, or why they were not used.

    Without a GPU only the CPU is measured, and only if `peers` names it.
    """
    card = next((c for c in available_devices()[1:] if c.usable), None) if cards is None else next(iter(cards), None)
    report: dict[str, Any] = {"rows": [], "missing": {}, "kernels": {}}
    if card is None:
        refused = available_devices()[1]
        report["gpu"] = f"No GPU was measured: {refused.reason} {refused.fix}".strip()
        peers = [peer for peer in peers if peer == "cpu"]
    else:
        report["gpu"] = card.label
        peers = list(peers) or list(PEERS)
    for name in workloads if card or peers else ():
        print(f"{name}: {NETWORKS[name].label}", file=sys.stderr, flush=True)
        _compare(NETWORKS[name], peers, rounds, card, report)
    return report


def _compare(workload: Workload, peers: Sequence[str], rounds: int, card: Device | None, report: dict) -> None:
    runs: dict[str, Run] = {}
    trainer = None
    processor = Implementation(ON_CPU, workload.name) if "cpu" in peers else None
    try:
        if processor:
            processor.ready()
            runs["cpu"] = processor
        if card:
            x, y = examples(workload)
            backend = Backend(card.name)
            trainer = ours.build(workload, x, y, backend=backend)
            runs[OURS] = timed(ours.training(trainer), backend.wait)
            for peer in peers:
                if PEERS[peer] and peer not in report["missing"]:
                    _add(runs, peer, workload, x, y, report)
        base = OURS if card else "cpu"
        found = {c.name: c for c in compare(runs, base, rounds=rounds)}
        mine = found[base]
        if trainer and trainer.accelerator:
            report["kernels"][workload.name] = trainer.accelerator.kernels
        for peer, its in found.items():
            if peer != OURS:
                report["rows"].append(_row(workload.name, its, mine if card else None))
    finally:
        if processor:
            processor.close()


def _row(workload: str, its: Comparison, mine: Comparison | None) -> dict[str, Any]:
    """Microseconds per step, and seconds for the steps that are reported together. Without a GPU there is no ratio."""
    steps = WORKLOADS[workload]
    compared = {name: getattr(its, name) if mine else None for name in ("ratio", "q1", "q3", "wall_ratio")}
    return {
        "workload": workload,
        "peer": its.name,
        **compared,
        "peer_us": its.cpu_us,
        "our_us": mine.cpu_us if mine else None,
        "steps": steps,
        "peer_seconds": its.cpu_us * steps / 1e6,
        "our_seconds": mine.cpu_us * steps / 1e6 if mine else None,
    }


def _add(runs: dict[str, Run], peer: str, workload: Workload, x: Any, y: Any, report: dict) -> None:
    """Add PyTorch on the GPU, or record why it cannot run."""
    if importlib.util.find_spec("torch") is None:
        report["missing"][peer] = "PyTorch is not installed"
        return
    module = importlib.import_module("bench.peers.pytorch_gpu")
    try:
        run = timed(module.make(workload, x, y, PEERS[peer]), module.wait)
        run(3)
    except Missing as reason:
        report["missing"][peer] = str(reason)
    except Exception as problem:  # a failing peer is reported, the others are measured
        report["missing"][peer] = f"{type(problem).__name__}: {' '.join(str(problem).split())[:200]}"
    else:
        runs[peer] = run


def timed(run: Callable[[int], int], wait: Callable[[], object]) -> Run:
    """A run that measures wall time until the GPU has finished."""

    def turn(steps: int) -> Timing:
        wait()
        start = time.perf_counter()
        done = run(steps)
        wait()
        seconds = time.perf_counter() - start
        return Timing(done, seconds, seconds)

    return turn
