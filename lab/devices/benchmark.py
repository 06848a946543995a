"""Duration of an epoch on each device of this machine, for several widths and batch sizes.

`python -m lab.devices.benchmark cpu cuda:0` prints one JSON line per cell as soon as it is measured. `Comparison`
runs it in a separate process, collects the results, and can stop it.
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
from engine.tape.executor import TapeExecutor
from engine.training.trainer import Trainer

WIDTHS, BATCHES = (16, 64, 256, 1024), (16, 64, 256, 1024)
PIXELS, CLASSES, SAMPLES = 784, 10, 2048
EPOCH_SAMPLES = 60_000  # of the epoch that is reported, as in MNIST
CELL_S = 0.12  # measuring time of each cell
RUNS = 4  # into which it is divided
WARM_UP_STEPS = 2  # run twice: first to record or compile, then to estimate the duration of a step
COMPARED_STEPS = 50  # after each of which the losses of two devices are compared
LAUNCHES, ARITHMETIC, MEMORY = "launching operations", "arithmetic", "memory"


def trainer(width: int, batch: int, device: str) -> Trainer:
    """A network 784-width-10 on random images, with the same initial weights and batches on every device."""
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
        executor=TapeExecutor if device == "cpu" else None,
    )


def step_seconds(trainer: Trainer, seconds: float = CELL_S) -> float:
    """Duration of one step: the shortest of several runs, because other programs can only lengthen one."""
    first = _run(trainer, WARM_UP_STEPS) and _run(trainer, WARM_UP_STEPS)
    steps = max(1, round(seconds / RUNS / first))
    return min(_run(trainer, steps) for _ in range(RUNS))


def _run(trainer: Trainer, steps: int) -> float:
    """Seconds per step, until the device has finished them all."""
    start = time.perf_counter()
    for _ in range(steps):
        trainer.advance()
    trainer.executor.wait()
    return (time.perf_counter() - start) / steps


def multiply_adds(width: int, batch: int) -> int:
    """Multiply-adds of one step: forward, and backward for weights and inputs, except the gradient of the pixels."""
    return batch * width * (2 * PIXELS + 3 * CLASSES)


def measure(devices: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yields a record per cell and device, the small ones first; finally the difference between two devices."""
    for width, batch in product(WIDTHS, BATCHES):
        for device in devices:
            seconds = step_seconds(trainer(width, batch, device))
            yield {
                "device": device,
                "width": width,
                "batch": batch,
                "step_us": seconds * 1e6,
                "epoch_s": seconds * EPOCH_SAMPLES / batch,
                "rate": multiply_adds(width, batch) / seconds / 1e9,  # multiply-adds per nanosecond
            }
    if len(devices) > 1:
        ends = [trainer(64, 64, device) for device in devices]
        first, second = (np.array([_after_step(end) for _ in range(COMPARED_STEPS)]) for end in ends[:2])
        yield {"difference": float(np.max(np.abs(first - second) / first))}


def _after_step(trainer: Trainer) -> float:
    trainer.advance()
    return trainer.evaluate().train_loss


def limits(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What limits each cell, judged by comparison with the other cells of its device."""
    found = []
    for row in rows:
        own = [other for other in rows if other["device"] == row["device"]]
        if row["step_us"] < 2 * min(other["step_us"] for other in own):
            found.append(LAUNCHES)
        else:
            found.append(ARITHMETIC if row["rate"] >= 0.6 * max(other["rate"] for other in own) else MEMORY)
    return found


class Busy(RuntimeError):
    """Another measurement is running."""


class Comparison:
    """A running or finished measurement. `rows` grows; `difference` comes last, if there are two devices."""

    _turn = threading.Lock()

    def __init__(self, devices: Sequence[str]) -> None:
        """Raises Busy."""
        if not self._turn.acquire(blocking=False):
            raise Busy("Another measurement is running on this server. Try again in a few seconds.")
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
        """A sentence if the measurement ended early without being stopped."""
        if self.running or self.stopped or len(self.rows) == self.total:
            return ""
        return f"The measurement ended early (exit status {self._process.returncode})."

    def stop(self) -> None:
        """Stop the measurement; its results stay."""
        if self.running:
            self.stopped = True
            self._process.kill()
            self._reader.join()


if __name__ == "__main__":
    for cell in measure(sys.argv[1:]):
        print(json.dumps(cell), flush=True)
