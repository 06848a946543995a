"""Many runs in one place, trained in turns. A worker process wraps one host; a page without a server wraps one too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lab.experiment import Experiment
from lab.run import Run

SLICE = 0.0025  # seconds a run trains before the next one gets its turn and requests are looked at
SAVED_EVERY = 2.0  # seconds between two checkpoints of a run that trains

Arrays = dict[str, np.ndarray]
Answer = tuple[dict[str, Any], Arrays]


class Host:
    """Carries out commands, one at a time. A command is {"do": verb, "run": name, ...}; its answer is a header and arrays."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self._saved: dict[str, tuple[float, int]] = {}
        self._busy = threading.Lock()

    def handle(self, command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
        """Raises what the command raises; an unknown run is a KeyError."""
        verb: Callable[..., Answer | None] = getattr(self, f"_{command['do']}")
        with self._busy:
            return verb(command, arrays) or ({}, {})

    def work(self, seconds: float = SLICE) -> bool:
        """One slice for each run that is due. False when there was nothing to do."""
        with self._busy:
            due = [run for run in self.runs.values() if run.due]
            for run in due:
                run.advance(seconds)
        return bool(due)

    def checkpoints(self, now: float) -> list[tuple[str, Answer]]:
        """The checkpoints that are due: of runs that have trained since their last one."""
        saved = []
        for name, run in self.runs.items():
            when, steps = self._saved.get(name, (-np.inf, -1))
            if now - when >= SAVED_EVERY and run.trainer.steps != steps and run.status != "diverged":
                self._saved[name] = (now, run.trainer.steps)
                saved.append((name, run.checkpoint()))
        return saved

    # Verbs -----------------------------------------------------------------------------------------------------------------

    def _open(self, command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.runs[command["run"]] = Run(_experiment(command), command["speed"])

    def _resume(self, command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        run = self.runs[command["run"]] = Run(_experiment(command), command["speed"])
        run.resume(command, arrays, command["notice"])

    def _change(self, command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.runs[command["run"]].change(_experiment(command))

    def _play(self, command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.runs[command["run"]].play()

    def _pause(self, command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.runs[command["run"]].pause()

    def _step(self, command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.runs[command["run"]].step()

    def _reset(self, command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.runs[command["run"]].reset()

    def _pace(self, command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.runs[command["run"]].pace(command["speed"])

    def _status(self, command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
        run = self.runs[command["run"]]
        return {"status": run.status, "notice": run.notice, "epoch": run.trainer.epochs}, {}

    def _frame(self, command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
        frame = self.runs[command["run"]].frame(command["request"])
        return {}, {"frame": np.frombuffer(frame, np.uint8)}

    def _close(self, command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.runs.pop(command["run"], None)
        self._saved.pop(command["run"], None)

    def _count(self, command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
        active = sum(run.due for run in self.runs.values())
        return {"running": active, "paused": len(self.runs) - active}, {}


def _experiment(command: Mapping[str, Any]) -> Experiment:
    return Experiment.from_json(command["experiment"])
