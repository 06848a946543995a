"""What several tests of the lab need: a small experiment, and the ways to look at a run and to wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from lab.experiment.experiment import Experiment
from lab.protocol.frames import unpack
from lab.protocol.messages import GetFrame, Step
from lab.server.pool import Pool
from lab.training import model_file
from lab.training.build import Built, build
from lab.training.run import Run

SMALL = Experiment(samples=40, hidden=(4,))  # 30 to train on: three batches an epoch
RICH = Experiment(dataset="iris", hidden=(6, 4), activations=("relu", "swish"), optimizer="adam", batch_norm=True,
                  dropout=0.2, patience=50, epochs=5, learning_rate=0.01)  # fmt: skip
LIMIT = 60.0  # seconds; only what is broken takes so long


def look(run: Run, **request: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What a page is told that asks for a frame."""
    return unpack(run.frame(GetFrame(**request)))


def train(run: Run, frames: int = 1) -> None:
    """As a worker and a page do: ask for a frame, then train what that allows."""
    for _ in range(frames):
        look(run)
        while run.due:
            run.advance(0.01)
            if run.speed.epochs_per_frame == np.inf:
                break


def losses(run: Run) -> np.ndarray:
    """The curve: (4, points)."""
    return run.trainer.history.values.copy()


def trained(experiment: Experiment = SMALL, epochs: int = 3) -> Built:
    built = build(experiment)
    for _ in range(epochs):
        built.trainer.epoch()
    return built


def saved(experiment: Experiment = SMALL, epochs: int = 3) -> bytes:
    """A model file."""
    return model_file.to_bytes(model_file.capture(experiment, *trained(experiment, epochs)))


def step(runs: Pool, token: str) -> None:
    """One epoch, whole: on a busy machine it may take longer than a press of Step waits."""
    runs.do(token, Step())
    until(lambda: runs.state(token).status != "running")


def brief(runs: Pool, token: str) -> tuple[str, str, int]:
    """Status, notice and epoch of a run."""
    state = runs.state(token)
    return state.status, state.notice, state.epoch


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, and fail if it does not come about."""
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)
