"""What can be done with a run, wherever it lives; and the pool that lives in this very process.

A run is known by an unguessable token; whoever holds it, owns it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import numpy as np

from lab.experiment.experiment import Experiment, ExperimentError
from lab.server.limits import limits
from lab.server.memory_estimate import megabytes
from lab.training.model_file import Model
from lab.worker.scheduler import Answer, Gone, Host

PATIENCE = 30.0  # seconds that a command may take


class Unreachable(RuntimeError):
    """The training process does not answer; the message says so to the visitor."""


class Full(RuntimeError):
    """There is no place now. before: how many come first; -1: not even a place in line."""

    def __init__(self, before: int) -> None:
        super().__init__("The playground is full.")
        self.before = before


class Fallen(Gone):
    """The run ended its process too often and was given up; the message says so to the visitor."""


class Pool:
    """The verbs. `submit` sends one command and returns a future of (header, arrays)."""

    live = False  # whether frames can be had over a socket

    def __init__(self) -> None:
        self.limits = limits()

    def submit(self, command: dict[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> Future[Answer]:
        raise NotImplementedError

    def _do(self, verb: str, token: str, arrays: Mapping[str, np.ndarray] | None = None, **more: Any) -> Answer:
        try:
            return checked(self.submit({"do": verb, "run": token, **more}, arrays).result(PATIENCE))
        except TimeoutError:
            raise Unreachable("The training process does not answer.") from None

    def open(self, experiment: Experiment, speed: str = "epoch", visitor: str = "", ticket: str = "") -> str:
        """A new run, idle. Returns its token. Raises ExperimentError, and Full where a server has no place.

        visitor: who comes, if known: a run that this visitor had before the server was restarted goes on.
        ticket: keeps a place in line for whoever asks again after Full.
        """
        self._check(experiment)
        token = secrets.token_urlsafe(16)
        self._do("open", token, experiment=experiment.model_dump_json(), speed=speed)
        return token

    def _check(self, experiment: Experiment) -> None:
        """Raises ExperimentError for what is more than one visitor may have."""
        bounds = self.limits
        if experiment.parameters > bounds.parameters:
            allowed = f"layers with at most {bounds.parameters:,.0f} parameters in all on this server"
            raise ExperimentError(
                [f"hidden: {experiment.parameters:,} parameters are not allowed; allowed: {allowed}."]
            )
        if (need := megabytes(experiment)) > bounds.run_mb:
            allowed = f"an experiment of at most {bounds.run_mb:,.0f} MB; fewer samples, units or a smaller batch help"
            raise ExperimentError([f"hidden: this needs about {need:,.0f} MB of memory; allowed: {allowed}."])

    def change(self, token: str, experiment: Experiment) -> None:
        self._check(experiment)
        self._do("change", token, experiment=experiment.model_dump_json())

    def load(self, token: str, model: Model, *, weights_only: bool = False) -> None:
        """Make a run stand where a saved one stood; see lab/queries/downloads.py. Raises ExperimentError."""
        if not weights_only:
            self._check(model.experiment)
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
        """What the screen shows now (lab/protocol/frames.py)."""
        return frame_bytes(self._do("frame", token, request=dict(request)))

    def ask(
        self, token: str, question: str, facts: dict[str, Any] | None = None, arrays: Mapping | None = None
    ) -> Answer:
        """The answer (header, arrays) to one of lab/queries/table.py, asked with plain values and arrays."""
        return self._do("ask", token, arrays, question=question, facts=facts or {})

    def status(self, token: str) -> dict[str, Any]:
        """status, notice and epoch; does not count as watching."""
        return self._do("status", token)[0]

    def close(self, token: str) -> None:
        self._do("close", token)


def checked(answer: Answer) -> Answer:
    """An answer, or the exception it reports."""
    header, _ = answer
    match header.get("error"):
        case None:
            return answer
        case "gone":
            raise Gone
        case "fallen":
            raise Fallen(header["sentence"])
        case "refused":
            raise ExperimentError([header["sentence"]])
        case _:
            raise Unreachable(header["sentence"])


def frame_bytes(answer: Answer) -> bytes:
    return checked(answer)[1]["frame"].tobytes()


class LocalPool(Pool):
    """Runs in this process: for a page without a server, and for tests. Training happens while a frame is asked for."""

    def __init__(self, seconds_per_frame: float = 0.1) -> None:
        super().__init__()
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
