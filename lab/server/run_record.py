"""What a pool remembers of a run, so that it survives its worker, and the commands that bring it back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.backend import known_devices
from lab.experiment.experiment import Experiment
from lab.server.memory_estimate import NOTHING, Need, need
from lab.server.worker_handle import Command, Worker
from lab.worker.scheduler import Answer

STATUS_AFTER = {"play": "running", "pause": "paused", "step": "paused", "step_batch": "paused", "reset": "idle"}
NOTED = ("change", "load", "pace", *STATUS_AFTER)  # commands that a restart must know of

RESUMED = "The training process stopped and was restarted; this run was resumed from epoch {}."
ON_CPU = "The training process stopped for the second time; this run goes on on the CPU and was resumed from epoch {}."
STOPPED = "This run ended its training process {} times in a row and was stopped; {} is kept. Choose a smaller network."


def on_gpu(experiment: str) -> bool:
    """Whether an experiment, as JSON, asks for a graphics card."""
    return json.loads(experiment).get("device", "cpu") != "cpu"


def told(command: dict[str, Any]) -> dict[str, Any]:
    """A command about a graphics card with what this process has found of it, so that no worker makes a trial of its
    own: all its runs would stand still for as long."""
    return {**command, "devices": known_devices()} if on_gpu(command.get("experiment", "{}")) else command


@dataclass
class Kept:
    """One run."""

    worker: Worker
    experiment: str
    speed: str
    status: str = "idle"
    facts: dict[str, Any] | None = None  # of the last checkpoint
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    faults: int = 0  # times that a worker ended while this run trained on a graphics card
    away_since: float | None = None  # when its visitor's session was last seen to disconnect
    seen: float = 0.0  # when a frame was last asked for
    deaths: list[float] = field(default_factory=list)  # when it ended its process, as far as that is not forgiven
    visitor: str = ""  # under which name it is kept on disk; nothing: it is not
    need: Need = NOTHING
    saved: dict[str, Any] | None = None  # the facts that lie on disk
    fetched: bool = False  # from disk, and no page has looked at it yet
    since: int = 0  # restarts of the worker when the run came to it

    def note(self, command: Mapping[str, Any], answer: Answer) -> None:
        """Remember what a restart must know of a command that went well, and the last checkpoint does not."""
        before, after = self.experiment, command.get("experiment", self.experiment)
        rebuilt = before != after and not Experiment.from_json(before).goes_on_as(Experiment.from_json(after))
        self.experiment, self.speed = after, command.get("speed", self.speed)
        if rebuilt:
            self.need, self.deaths = need(Experiment.from_json(after)), []
        self.status = "idle" if rebuilt else STATUS_AFTER.get(command["do"], self.status)
        if rebuilt or command["do"] == "reset":
            self.facts = None
        if command["do"] == "load":  # the answer is a checkpoint
            self.facts, self.arrays = answer
            self.status = self.facts["status"]

    def mourn(self, now: float, forgiven: float) -> int:
        """It has ended its process: how often in a row. forgiven: seconds after which a death counts no more."""
        self.deaths = [when for when in self.deaths if now - when < forgiven] + [now]
        return len(self.deaths)

    def revival(self, token: str, stop: bool) -> Iterator[Command]:
        """The commands that give it back to its restarted worker; with `stop` it comes back stopped."""
        command = told({"id": 0, "run": token, "experiment": self.experiment, "speed": self.speed})
        resumed = RESUMED
        if on_gpu(self.experiment) and self.worker.restarts > self.since:  # a start is no restart
            self.faults += 1
            if self.faults >= 2:  # whatever it is, it is not by chance
                command |= {"device": "cpu"}
                resumed = ON_CPU
        if stop:
            self.status = "stopped"
        if self.facts:
            epoch = self.facts["epoch"]
            notice = resumed.format(epoch)
            if stop:
                notice = STOPPED.format(len(self.deaths), f"the network of epoch {epoch}")
            yield {**command, "do": "resume", "status": self.status, "notice": notice, "stop": stop}, self.arrays
        else:
            yield {**command, "do": "open"}, {}
            if self.status == "running":
                yield {**command, "do": "play"}, {}
