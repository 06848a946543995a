"""Where runs live: worker processes on a server, or this very process when there is no server.

Both offer the same verbs. A run is known by an unguessable token; whoever holds it, owns it.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from lab.experiment import Experiment, ExperimentError
from lab.host import Answer, Gone, Host
from lab.model_file import Model
from lab.process import Command, Worker

PATIENCE = 30.0  # seconds that a command may take
STATUS_AFTER = {"play": "running", "pause": "paused", "step": "paused", "step_batch": "paused", "reset": "idle"}


class Unreachable(RuntimeError):
    """The training process does not answer; the message says so to the visitor."""


class Pool:
    """The verbs. `submit` sends one command and returns a future of (header, arrays)."""

    live = False  # whether frames can be had over a socket

    def submit(self, command: dict[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> Future[Answer]:
        raise NotImplementedError

    def _do(self, verb: str, token: str, arrays: Mapping[str, np.ndarray] | None = None, **more: Any) -> Answer:
        try:
            return checked(self.submit({"do": verb, "run": token, **more}, arrays).result(PATIENCE))
        except TimeoutError:
            raise Unreachable("The training process does not answer.") from None

    def open(self, experiment: Experiment, speed: str = "epoch") -> str:
        """A new run, idle. Returns its token. Raises ExperimentError."""
        token = secrets.token_urlsafe(16)
        self._do("open", token, experiment=experiment.model_dump_json(), speed=speed)
        return token

    def change(self, token: str, experiment: Experiment) -> None:
        self._do("change", token, experiment=experiment.model_dump_json())

    def load(self, token: str, model: Model, *, weights_only: bool = False) -> None:
        """Make a run stand where a saved one stood; see lab/keeping.py. Raises ExperimentError."""
        experiment = {} if weights_only else {"experiment": model.facts["experiment"]}
        self._do("load", token, model.arrays, model=model.facts, weights_only=weights_only, **experiment)

    def play(self, token: str) -> None:
        self._do("play", token)

    def pause(self, token: str) -> None:
        self._do("pause", token)

    def step(self, token: str) -> None:
        self._do("step", token)

    def step_batch(self, token: str) -> None:
        self._do("step_batch", token)

    def edit(self, token: str, layer: int, source: int, target: int, value: float) -> None:
        """Set a weight, or with source -1 a bias; see Run.edit. Raises ExperimentError."""
        self._do("edit", token, **{"layer": layer, "from": source, "to": target, "value": value})

    def reset(self, token: str) -> None:
        self._do("reset", token)

    def pace(self, token: str, speed: str) -> None:
        self._do("pace", token, speed=speed)

    def frame(self, token: str, request: Mapping[str, Any]) -> bytes:
        """What the screen shows now (lab/frames.py)."""
        return frame_bytes(self._do("frame", token, request=dict(request)))

    def ask(
        self, token: str, question: str, facts: dict[str, Any] | None = None, arrays: Mapping | None = None
    ) -> Answer:
        """The answer (header, arrays) to one of lab/questions.py, asked with plain values and arrays."""
        return self._do("ask", token, arrays, question=question, facts=facts or {})

    def status(self, token: str) -> dict[str, Any]:
        """status, notice and epoch; does not count as watching."""
        return self._do("status", token)[0]

    def close(self, token: str) -> None:
        self._do("close", token)


def on_gpu(experiment: str) -> bool:
    """Whether an experiment, as JSON, asks for a graphics card."""
    return json.loads(experiment).get("device", "cpu") != "cpu"


def checked(answer: Answer) -> Answer:
    """An answer, or the exception it reports."""
    header, _ = answer
    match header.get("error"):
        case None:
            return answer
        case "gone":
            raise Gone
        case "refused":
            raise ExperimentError([header["sentence"]])
        case _:
            raise Unreachable(header["sentence"])


def frame_bytes(answer: Answer) -> bytes:
    return checked(answer)[1]["frame"].tobytes()


class LocalPool(Pool):
    """Runs in this process: for a page without a server, and for tests. Training happens while a frame is asked for."""

    def __init__(self, seconds_per_frame: float = 0.1) -> None:
        self.host, self.seconds_per_frame = Host(), seconds_per_frame

    def submit(self, command, arrays=None):
        future: Future[Answer] = Future()
        if command["do"] == "frame":
            self.host.answer(command, {})  # pays for the training that follows
            until = time.monotonic() + self.seconds_per_frame
            while time.monotonic() < until and self.host.work():
                pass
            command = {**command, "request": {**command["request"], "frame": None}}
        future.set_result(self.host.answer(command, arrays or {}))
        return future


@dataclass
class Kept:
    """What the pool remembers of a run, so that it survives its worker."""

    worker: Worker
    experiment: str
    speed: str
    status: str = "idle"
    facts: dict[str, Any] | None = None  # of the last checkpoint
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    faults: int = 0  # times that a worker ended while this run trained on a graphics card
    away_since: float | None = None  # when its visitor's session was last seen to disconnect


SERVER: WorkerPool | None = None  # set by app.py while the server is up; None where a page runs without it


class WorkerPool(Pool):
    """Runs in worker processes. A worker that dies is restarted and its runs go on from their last checkpoint."""

    live = True

    def __init__(self, workers: int | None = None) -> None:
        self.size = workers or max(1, (os.cpu_count() or 2) - 1)
        self.runs: dict[str, Kept] = {}
        self.workers: list[Worker] = []

    def start(self) -> None:
        self.workers = [Worker(self.revival, self.keep) for _ in range(self.size)]

    def stop(self) -> None:
        for worker in self.workers:
            worker.stop()
        self.workers = []

    def submit(self, command, arrays=None):
        token = command["run"]
        if command["do"] == "open":
            worker = self._place(command["experiment"])
            worker.wait(PATIENCE)
            self.runs[token] = Kept(worker, command["experiment"], command["speed"])
        kept = self.runs.get(token)
        if kept is None:
            gone: Future[Answer] = Future()
            gone.set_result(({"error": "gone"}, {}))
            return gone
        if command["do"] == "close":
            del self.runs[token]
        if command["do"] == "change" and on_gpu(command["experiment"]) and kept.worker is not self.workers[0]:
            return self._move(kept, command)
        future = kept.worker.submit(command, arrays)
        if command["do"] in ("change", "load", "pace", *STATUS_AFTER):
            future.add_done_callback(partial(self._note, kept, command))
        return future

    def _do(self, verb, token, arrays=None, **more):
        """A command that meets a restart waits for it, and is sent once more if it was lost with the worker."""
        answer: Answer = {"error": "lost"}, {}
        for _ in range(2):
            if kept := self.runs.get(token):
                kept.worker.wait(PATIENCE)
            answer = self.submit({"do": verb, "run": token, **more}, arrays).result(PATIENCE)
            if answer[0].get("error") != "lost":
                break
            if verb == "close":
                return {}, {}
        if verb == "open" and "error" in answer[0]:
            self.runs.pop(token, None)
        return checked(answer)

    def _place(self, experiment: str) -> Worker:
        """The worker with the fewest runs; for a graphics card always the first, so that its runs share it fairly."""
        if on_gpu(experiment):
            return self.workers[0]
        return min(self.workers, key=lambda w: sum(kept.worker is w for kept in self.runs.values()))

    def _move(self, kept: Kept, command: dict[str, Any]) -> Future[Answer]:
        """A run that wants a graphics card begins anew where that lives; if it cannot, it stays as it was."""
        answer: Future[Answer] = Future()

        def opened(done: Future[Answer]) -> None:
            if "error" not in done.result()[0]:
                kept.worker.submit({"do": "close", "run": command["run"]})
                kept.worker = self.workers[0]
                self._note(kept, command, done)
            answer.set_result(done.result())

        start = {"do": "open", "run": command["run"], "experiment": command["experiment"], "speed": kept.speed}
        self.workers[0].submit(start).add_done_callback(opened)
        return answer

    def _note(self, kept: Kept, command: Mapping[str, Any], done: Future[Answer]) -> None:
        """Remember what a restart must know and the last checkpoint does not."""
        if done.cancelled() or "error" in done.result()[0]:
            return
        before, after = kept.experiment, command.get("experiment", kept.experiment)
        rebuilt = before != after and not Experiment.from_json(before).goes_on_as(Experiment.from_json(after))
        kept.experiment, kept.speed = after, command.get("speed", kept.speed)
        kept.status = "idle" if rebuilt else STATUS_AFTER.get(command["do"], kept.status)
        if rebuilt or command["do"] == "reset":
            kept.facts = None
        if command["do"] == "load":  # the answer is a checkpoint
            kept.facts, kept.arrays = done.result()
            kept.status = kept.facts["status"]

    def keep(self, facts: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Take a checkpoint that a worker sent."""
        if kept := self.runs.get(facts["checkpoint"]):
            kept.facts, kept.arrays, kept.status = facts, arrays, facts["status"]

    def revival(self, worker: Worker) -> Iterator[Command]:
        """The commands that give a restarted worker its runs back."""
        for token, kept in list(self.runs.items()):
            if kept.worker is not worker:
                continue
            command = {"id": 0, "run": token, "experiment": kept.experiment, "speed": kept.speed}
            happened = "The training process stopped and was restarted; this run"
            if on_gpu(kept.experiment):
                kept.faults += 1
                if kept.faults >= 2:  # whatever it is, it is not by chance
                    command |= {"device": "cpu"}
                    happened = "The training process stopped for the second time; this run goes on on the CPU and"
            if kept.facts:
                notice = f"{happened} was resumed from epoch {kept.facts['epoch']}."
                yield {**command, "do": "resume", "status": kept.status, "notice": notice}, kept.arrays
            else:
                yield {**command, "do": "open"}, {}
                if kept.status == "running":
                    yield {**command, "do": "play"}, {}

    # Sessions --------------------------------------------------------------------------------------------------------

    def away(self, token: str, now: float) -> None:
        """The visitor's session has disconnected, for a moment or for good."""
        if kept := self.runs.get(token):
            kept.away_since = now

    def back(self, token: str) -> bool:
        """The visitor is here. False if the run is gone."""
        if kept := self.runs.get(token):
            kept.away_since = None
        return kept is not None

    def sweep(self, now: float, grace: float) -> None:
        """Free the runs whose visitors have been away longer than `grace` seconds."""
        for token, kept in list(self.runs.items()):
            if kept.away_since is not None and now - kept.away_since > grace:
                self.submit({"do": "close", "run": token})

    def health(self) -> dict[str, Any]:
        """For /healthz: asks each worker, and counts one that does not answer as not alive."""
        asked = [worker.submit({"do": "count", "run": ""}) for worker in self.workers]
        done, _ = wait(asked, timeout=2)
        counts = [header for header, _ in (future.result() for future in done) if "error" not in header]
        return {
            "workers": {"alive": len(counts), "restarts": sum(worker.restarts for worker in self.workers)},
            "trainers": {state: sum(count[state] for count in counts) for state in ("running", "paused")},
        }
