"""How long an epoch takes on each device of this machine, over width and batch: measured in a process of its own.

`python -m lab.devices.benchmark cpu cuda:0` prints one JSON line for every cell as it is done. `Comparison` starts it,
returns what has been measured so far, and ends it when nobody wants to wait.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from engine import OPTIMIZERS
from engine.backend import Backend
from engine.formulas.losses import Objective
from engine.network.layers import Activation, Dense
from engine.network.network import Network
from engine.step.settings import Settings
from engine.training.trainer import Trainer

WIDTHS, BATCHES = (16, 64, 256, 1024), (16, 64, 256, 1024)
PIXELS, CLASSES, SAMPLES = 784, 10, 2048
EPOCH = 60_000  # samples that an epoch is told for, as in MNIST
SECONDS = 0.12  # of measuring for each cell
RUNS = 4  # into which they are divided
WARM = 2  # steps before, twice: the first record or compile, the second tell how long a step takes
STEPS = 50  # after which the losses of two devices are compared
CALLS, ARITHMETIC, MEMORY = "starting the operations", "arithmetic", "memory"


def trainer(width: int, batch: int, device: str) -> Trainer:
    """784-width-10 on made-up pictures: the same first weights and batches on every device."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (SAMPLES, PIXELS)).astype(np.float32) / 255
    y = (x @ rng.normal(size=(PIXELS, CLASSES))).argmax(axis=1)
    network = Network([Dense(width), Activation("relu"), Dense(CLASSES)], (PIXELS,), rng=rng)
    return Trainer(
        network,
        Objective("classification", CLASSES, "softmax", "categorical_crossentropy"),
        OPTIMIZERS["sgd"](0.01, network.parameters.size),
        (x, y),
        (x[:256], y[:256]),
        settings=Settings(learning_rate=0.01, batch_size=batch),
        rng=rng,
        backend=None if device == "cpu" else Backend(device),
    )


def step_seconds(trainer: Trainer, seconds: float = SECONDS) -> float:
    """Wall time of one step: of several short runs the shortest, since other programs can only lengthen one."""
    first = _run(trainer, WARM) and _run(trainer, WARM)
    steps = max(1, round(seconds / RUNS / first))
    return min(_run(trainer, steps) for _ in range(RUNS))


def _run(trainer: Trainer, steps: int) -> float:
    """Seconds a step, until the device has done them all."""
    start = time.perf_counter()
    for _ in range(steps):
        trainer.advance()
    trainer.executor.wait()
    return (time.perf_counter() - start) / steps


def multiply_adds(width: int, batch: int) -> int:
    """Of one step: the products of a layer there and, for weights and inputs, back; nobody needs those of pixels."""
    return batch * width * (2 * PIXELS + 3 * CLASSES)


def measure(devices: Sequence[str]) -> Iterator[dict[str, Any]]:
    """A record for every cell of every device, the small ones first; at the end how far two devices differ."""
    for width, batch in product(WIDTHS, BATCHES):
        for device in devices:
            seconds = step_seconds(trainer(width, batch, device))
            yield {
                "device": device,
                "width": width,
                "batch": batch,
                "step_us": seconds * 1e6,
                "epoch_s": seconds * EPOCH / batch,
                "rate": multiply_adds(width, batch) / seconds / 1e9,  # multiply-adds a nanosecond
            }
    if len(devices) > 1:
        ends = [trainer(64, 64, device) for device in devices]
        first, second = (np.array([_after_step(end) for _ in range(STEPS)]) for end in ends[:2])
        yield {"difference": float(np.max(np.abs(first - second) / first))}


def _after_step(trainer: Trainer) -> float:
    trainer.advance()
    return trainer.evaluate().train_loss


def limits(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What each cell spends its time on, judged beside the other cells of its device."""
    found = []
    for row in rows:
        own = [other for other in rows if other["device"] == row["device"]]
        if row["step_us"] < 2 * min(other["step_us"] for other in own):
            found.append(CALLS)
        else:
            found.append(ARITHMETIC if row["rate"] >= 0.6 * max(other["rate"] for other in own) else MEMORY)
    return found


class Busy(RuntimeError):
    """A measurement is under way; two at a time would measure each other."""


class Comparison:
    """A measurement under way, or over. `rows` grows; `difference` comes last, if there are two devices."""

    _turn = threading.Lock()

    def __init__(self, devices: Sequence[str]) -> None:
        """Raises Busy."""
        if not self._turn.acquire(blocking=False):
            raise Busy("Somebody else is measuring on this machine now; try again in a few seconds.")
        self.rows: list[dict[str, Any]] = []
        self.difference: float | None = None
        self.total, self.stopped = len(WIDTHS) * len(BATCHES) * len(devices), False
        words = [sys.executable, "-m", "lab.devices.benchmark", *devices]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # as in the processes that train
        root = Path(__file__).parents[2]
        self._process = subprocess.Popen(words, cwd=root, env=environment, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # fmt: skip
        self._reader = threading.Thread(target=self._read, name="comparison", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            with self._process.stdout as lines:
                for line in lines:
                    record = json.loads(line)
                    if "difference" in record:
                        self.difference = record["difference"]
                    else:
                        self.rows.append(record)
            self._process.wait()
        finally:
            self._turn.release()

    @property
    def running(self) -> bool:
        return self._reader.is_alive()

    @property
    def problem(self) -> str:
        """A sentence, if it ended before its end and nobody had asked for that."""
        if self.running or self.stopped or len(self.rows) == self.total:
            return ""
        return f"The measurement ended early (exit status {self._process.returncode})."

    def stop(self) -> None:
        """End it; what has been measured stays."""
        if self.running:
            self.stopped = True
            self._process.kill()
            self._reader.join()


if __name__ == "__main__":
    for cell in measure(sys.argv[1:]):
        print(json.dumps(cell), flush=True)
