"""How long another visitor of the same worker waits for a frame while the largest experiments are opened, changed,
trained and asked about."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from lab.experiment.errors import SentenceError
from lab.experiment.experiment import Experiment
from lab.protocol.frames import unpack
from lab.protocol.messages import Change, GetFrame, Play, Preview
from lab.server.pool import WorkerPool

WORKLOADS = {  # links; what one visitor may not have is refused and costs the neighbor nothing
    "nobody": "",
    "wide, all samples": "samples=100000&hidden=1024,1024&batch_size=0&dtype=float64",
    "wide, few samples": "samples=5000&hidden=1024,1024&batch_size=0",
    "medium, all samples": "samples=20000&hidden=256,256&batch_size=0",
    "many samples": "samples=100000&hidden=64,64&batch_size=0&dtype=float64",
    "convolution": "dataset=digits&conv=32,32&hidden=64&batch_size=0",
    "digits, wide": "dataset=digits&hidden=1000,900&optimizer=adam&batch_size=0",
    "deep": "samples=20000&hidden=512,512,512,512,512,512&batch_norm=true&batch_size=500",
}
NEIGHBOR = Experiment(dataset="circle", hidden=(8, 8))
QUERIES = ("curves", "health", "model")
FRAME_INTERVAL_S = 0.02


@dataclass
class Neighbor:
    """A visitor who trains a small network and asks for one frame after the other."""

    pool: WorkerPool
    longest_s: float = 0.0
    frames: int = 0

    def watch(self, done: threading.Event) -> None:
        token = self.pool.open(NEIGHBOR, "max")
        self.pool.do(token, Play())
        while not done.is_set():
            begin = time.monotonic()
            self.pool.do(token, GetFrame())
            self.longest_s = max(self.longest_s, time.monotonic() - begin)
            self.frames += 1
            time.sleep(FRAME_INTERVAL_S)
        self.pool.close(token)


def measure(workloads: Sequence[str], rounds: int = 1, seconds: float = 5.0) -> list[dict[str, Any]]:
    """Rows: the longest wait for a frame in ms, while the experiment was opened and while it trained.

    seconds: how long each trains.
    """
    pool = WorkerPool(1)
    pool.start()
    try:
        return [_row(pool, name, seconds) for _ in range(rounds) for name in workloads]
    finally:
        pool.stop()


def _row(pool: WorkerPool, name: str, seconds: float) -> dict[str, Any]:
    neighbor, done, token = Neighbor(pool), threading.Event(), ""
    thread = threading.Thread(target=neighbor.watch, args=(done,))
    thread.start()
    while neighbor.frames < 10:
        time.sleep(FRAME_INTERVAL_S)
    row: dict[str, Any] = {"workload": name, "opening_ms": None, "training_ms": None, "steps": None, "refused": ""}

    def phase(act: Callable[[], None]) -> float:
        neighbor.longest_s, before = 0.0, neighbor.frames
        act()
        while neighbor.frames < before + 10:  # so that a frame still on its way counts as well
            time.sleep(FRAME_INTERVAL_S)
        return 1000 * neighbor.longest_s

    def open_it() -> None:
        nonlocal token
        token = pool.open(experiment, "max")

    experiment = Experiment.from_query(dict(parse_qsl(WORKLOADS[name])))[0]
    try:
        if WORKLOADS[name]:
            row["opening_ms"] = phase(open_it)
        row["training_ms"] = phase(lambda: _use(pool, token, experiment, seconds))
        if token:
            row["steps"] = unpack(pool.frame(token))[0]["step"]
    except SentenceError as problem:
        row["refused"] = str(problem)
    if token:
        pool.close(token)
    done.set()
    thread.join()
    return row


def _use(pool: WorkerPool, token: str, experiment: Experiment, seconds: float) -> None:
    """Train, look, drag a slider, ask and build again."""
    end = time.monotonic() + seconds
    if token:
        pool.do(token, Play())
        pool.submit(token, Preview("learning_rate", 0.01))
        for query in QUERIES:
            pool.ask(token, query)
        pool.do(token, Change(experiment.change(seed=experiment.seed + 1)))
        pool.do(token, Play())
        while time.monotonic() < end:
            pool.frame(token)
    time.sleep(max(0.0, end - time.monotonic()))
