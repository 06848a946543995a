"""Many runs in one place, trained in turns. A worker process wraps one host; a page without a server wraps one too."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from engine.backend import believe, exhausted, poisoned
from lab.experiment.experiment import Experiment
from lab.queries import downloads
from lab.queries.table import ask
from lab.training import model_file
from lab.training.build import FULL
from lab.training.run import Run

SLICE = 0.0025  # seconds a run trains before the next one gets its turn and requests are looked at
SAVED_EVERY = 2.0  # seconds between two checkpoints of a run that trains
NO_MEMORY = "The server has no memory left for this. Choose a smaller network, a smaller batch or fewer samples."
NOT_THERE = "The GPU did not take it again; it goes on on the CPU."

Arrays = dict[str, np.ndarray]
Answer = tuple[dict[str, Any], Arrays]


class Gone(KeyError):
    """The run is no longer known: it was closed, or the server was restarted."""


class Host:
    """Carries out commands, one at a time: {"do": verb, "run": name, ...}. An answer is a header and arrays."""

    def __init__(self, mark: Callable[[str], None] = lambda run: None, expendable: bool = False) -> None:
        """mark: told whose run is worked on from now on, so that whoever looks from outside knows.

        expendable: the process may end, and comes back: what a graphics card no longer survives is raised.
        """
        self.mark, self.expendable = mark, expendable
        self.runs: dict[str, Run] = {}
        self._saved: dict[str, tuple[float, int]] = {}
        self._busy = threading.Lock()

    def answer(self, command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
        """Carry out a command. What goes wrong is an answer as well, so that it hurts no other run."""
        self.mark(str(command.get("run", "")))
        try:
            return self.handle(command, arrays)
        except Gone:
            return {"error": "gone"}, {}
        except ValueError as problem:
            return {"error": "refused", "sentence": str(problem)}, {}
        except Exception as problem:
            if exhausted(problem):
                return {"error": "refused", "sentence": NO_MEMORY}, {}
            if poisoned(problem) and self.expendable:
                raise
            print(f"{command.get('do')} failed:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
            return {"error": "failed", "sentence": f"The command failed ({type(problem).__name__})."}, {}

    def handle(self, command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
        """Raises what the command raises; Gone for an unknown run, ValueError for an unknown verb."""
        verb, name = str(command.get("do")), command.get("run", "")
        with self._busy:
            if "devices" in command:
                believe(command["devices"])
            if verb in HOST_VERBS:
                return HOST_VERBS[verb](self, command, arrays) or ({}, {})
            if verb not in RUN_VERBS:
                raise ValueError(f"{verb[:40]} is no command; allowed: {', '.join((*HOST_VERBS, *RUN_VERBS))}.")
            if name not in self.runs:
                raise Gone(name)
            return RUN_VERBS[verb](self.runs[name], command, arrays) or ({}, {})

    def work(self, seconds: float = SLICE, between: Callable[[], None] = lambda: None) -> bool:
        """One slice for each run that is due. False when there was nothing to do.

        between: called after each slice; it may carry out commands, and what it closes or pauses gets no slice.
        """
        with self._busy:
            due = [(name, run) for name, run in self.runs.items() if run.due]
        for name, run in due:
            with self._busy:
                if self.runs.get(name) is run and run.due:
                    self._advance(name, run, seconds)
            between()
        return bool(due)

    def _advance(self, name: str, run: Run, seconds: float) -> None:
        self.mark(name)
        try:
            run.advance(seconds)
        except Exception as problem:
            if exhausted(problem):
                return run.fail(FULL if run.trainer.backend else NO_MEMORY)
            if poisoned(problem) and self.expendable:
                raise
            traceback.print_exc()
            run.fail(f"Training failed ({type(problem).__name__}).")

    def checkpoints(self, now: float) -> list[tuple[str, Answer]]:
        """The checkpoints that are due: of runs that have changed since their last one, by training or by hand."""
        saved = []
        for name, run in self.runs.items():
            when, number = self._saved.get(name, (-np.inf, -1))
            if now - when >= SAVED_EVERY and run.frame_number != number and run.status != "diverged":
                self._saved[name] = (now, run.frame_number)
                try:
                    saved.append((name, run.checkpoint()))
                except MemoryError:
                    run.fail(NO_MEMORY)
        return saved

    # Verbs about the runs as a whole ---------------------------------------------------------------------------------

    def _open(self, command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.runs[command["run"]] = Run(_experiment(command), command["speed"], device=command.get("device"))

    def _resume(self, command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        try:
            run = _resumed(command, arrays)
        except Exception as problem:
            here = "cpu" in (_experiment(command).device, command.get("device"))
            if here or (poisoned(problem) and self.expendable):
                raise
            run = _resumed({**command, "device": "cpu", "notice": f"{command['notice']} {NOT_THERE}"}, arrays)
        self.runs[command["run"]] = run
        if command.get("stop"):
            run.fail(command["notice"])

    def _close(self, command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        run = self.runs.pop(command["run"], None)
        if run is None:
            raise Gone(command["run"])
        self._saved.pop(command["run"], None)
        if backend := run.trainer.backend:
            del run
            backend.release()

    def _count(self, command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
        active = sum(run.status == "running" and run.watched for run in self.runs.values())
        return {"running": active, "paused": len(self.runs) - active}, {}


def _resumed(command: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Run:
    run = Run(_experiment(command), command["speed"], device=command.get("device"))
    run.resume(command, arrays, command["notice"])
    return run


def _experiment(command: Mapping[str, Any]) -> Experiment:
    return Experiment.from_json(command["experiment"])


def _status(run: Run) -> Answer:
    return {"status": run.status, "notice": run.notice, "epoch": run.trainer.epochs}, {}


def _load(run: Run, command: Mapping[str, Any], arrays: Arrays) -> Answer:
    """Answers with a checkpoint, so that the loaded network survives this process."""
    downloads.load(run, model_file.Model(command["model"], arrays), command["weights_only"])
    return run.checkpoint()


def _frame(run: Run, request: Mapping[str, Any]) -> Answer:
    return {}, {"frame": np.frombuffer(run.frame(request), np.uint8)}


HOST_VERBS: dict[str, Callable[..., Answer | None]] = {
    "open": Host._open,
    "resume": Host._resume,
    "close": Host._close,
    "count": Host._count,
}
RUN_VERBS: dict[str, Callable[[Run, Mapping[str, Any], Mapping[str, np.ndarray]], Answer | None]] = {
    "play": lambda run, command, _: run.play(),
    "pause": lambda run, command, _: run.pause(),
    "step": lambda run, command, _: run.step(),
    "step_batch": lambda run, command, _: run.step_batch(),
    "edit": lambda run, command, _: run.edit(*(command[name] for name in ("layer", "from", "to", "value"))),
    "reset": lambda run, command, _: run.reset(),
    "pace": lambda run, command, _: run.pace(command["speed"]),
    "change": lambda run, command, _: run.change(_experiment(command)),
    "preview": lambda run, command, _: run.preview(command["field"], command["value"]),
    "load": lambda run, command, arrays: _load(run, command, dict(arrays)),
    "status": lambda run, command, _: _status(run),
    "frame": lambda run, command, _: _frame(run, command["request"]),
    "ask": lambda run, command, arrays: ask(run, command["question"], command["facts"], arrays),
}
