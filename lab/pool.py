"""Where runs live: worker processes on a server, or this very process when there is no server.

Both offer the same verbs. A run is known by an unguessable token; whoever holds it, owns it.
"""

from __future__ import annotations

import os
import secrets
import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import Any

import numpy as np

from lab.experiment import Experiment, ExperimentError
from lab.frames import pack, unpack
from lab.host import Answer, Gone, Host

PATIENCE = 30.0  # seconds that a command, or the start of a worker, may take
LONGEST_PAUSE = 30.0  # seconds between two attempts to start a worker that cannot be started


class Pool:
    """The verbs. `submit` sends one command and returns a future of (header, arrays)."""

    live = False  # whether frames can be had over a socket

    def submit(self, command: dict[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> Future[Answer]:
        raise NotImplementedError

    def _do(self, verb: str, token: str, **more: Any) -> Answer:
        return checked(self.submit({"do": verb, "run": token, **more}).result(PATIENCE))

    def open(self, experiment: Experiment, speed: str = "epoch") -> str:
        """A new run, idle. Returns its token. Raises ExperimentError."""
        token = secrets.token_urlsafe(16)
        self._do("open", token, experiment=experiment.model_dump_json(), speed=speed)
        return token

    def change(self, token: str, experiment: Experiment) -> None:
        self._do("change", token, experiment=experiment.model_dump_json())

    def play(self, token: str) -> None:
        self._do("play", token)

    def pause(self, token: str) -> None:
        self._do("pause", token)

    def step(self, token: str) -> None:
        self._do("step", token)

    def reset(self, token: str) -> None:
        self._do("reset", token)

    def pace(self, token: str, speed: str) -> None:
        self._do("pace", token, speed=speed)

    def frame(self, token: str, request: Mapping[str, Any]) -> bytes:
        """What the screen shows now (lab/frames.py)."""
        return frame_bytes(self._do("frame", token, request=dict(request)))

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
        case "refused":
            raise ExperimentError([header["sentence"]])
        case _:
            raise RuntimeError(header["sentence"])


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
    away_since: float | None = None  # when its visitor's session was last seen to disconnect


class Worker:
    """One worker process and the connection to it. Its thread starts the process and again whenever it ends."""

    def __init__(self, pool: WorkerPool) -> None:
        self.pool, self.restarts = pool, 0
        self.process: subprocess.Popen[bytes] | None = None
        self._waiting: dict[int, Future[Answer]] = {}
        self._sending = threading.Lock()
        self._ready = threading.Event()  # to take commands
        self._tried = threading.Event()  # to start: it is ready, or cannot be started for now
        self._stopping = threading.Event()
        self._number = 0
        self._thread = threading.Thread(target=self._live, name="lab worker", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._ready.is_set()

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def submit(self, command: dict[str, Any], arrays: Mapping[str, np.ndarray] | None) -> Future[Answer]:
        future: Future[Answer] = Future()
        with self._sending:
            self._number += 1
            self._waiting[self._number] = future
            if self.alive:
                self._send({**command, "id": self._number}, arrays)
            else:
                self._lose(self._number)
        return future

    def wait(self, seconds: float) -> None:
        """Until it is ready or known to be out of order."""
        self._tried.wait(seconds)

    def stop(self) -> None:
        """Say goodbye; the process leaves on its own, or is made to."""
        self._stopping.set()
        with self._sending, contextlib.suppress(OSError):
            if self.alive:
                self._connection.send_bytes(b"")
        self._thread.join(3)
        if self._thread.is_alive() and self.process:
            self.process.kill()
            self._thread.join()

    def _send(self, command: dict[str, Any], arrays: Mapping[str, np.ndarray] | None) -> None:
        try:
            self._connection.send_bytes(pack(command, arrays))
        except (OSError, ValueError):
            self._lose(command["id"])

    def _lose(self, number: int) -> None:
        self._answer(number, ({"error": "lost", "sentence": "The training process is being restarted."}, {}))

    def _answer(self, number: int | None, answer: Answer) -> None:
        future = self._waiting.pop(number, None) if number else None
        if future and future.set_running_or_notify_cancel():  # nobody waits for a cancelled one
            future.set_result(answer)

    def _live(self) -> None:
        """Start the process, read what it says, and start it again should it end."""
        failures = 0
        while not self._stopping.is_set():
            if self._start():
                failures = 0
                self.pool.revive(self, self._send)
                self._ready.set()
                self._tried.set()
                self._read()
                self._ready.clear()
                self._tried.clear()
                self._connection.close()
                self.restarts += 1
            else:
                failures += 1
                self._tried.set()
                self._stopping.wait(min(2.0**failures / 4, LONGEST_PAUSE))
            with self._sending:
                for number in list(self._waiting):
                    self._lose(number)

    def _start(self) -> bool:
        """Whether the process has started and connected."""
        key, arrived = secrets.token_bytes(32), threading.Event()
        with Listener(None, authkey=key) as listener:
            environment = {**os.environ, "LAB_WORKER_KEY": key.hex()}
            words = [sys.executable, "-m", "lab.worker", str(listener.address)]
            try:
                self.process = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL)
                threading.Thread(target=self._knock, args=(self.process, listener.address, arrived)).start()
                self._connection: Connection = listener.accept()
            except (OSError, EOFError, AuthenticationError):
                return False
            finally:
                arrived.set()
        return True

    def _knock(self, process: subprocess.Popen[bytes], address: Any, arrived: threading.Event) -> None:
        """`accept` waits for ever: end its wait when the process has ended, takes too long or is not wanted any more."""
        late = time.monotonic() + PATIENCE
        while not arrived.wait(0.05):
            if process.poll() is not None or time.monotonic() > late or self._stopping.is_set():
                process.kill()
                with contextlib.suppress(OSError):
                    Client(address).close()
                return

    def _read(self) -> None:
        """Until the connection ends; then the process has ended, too."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                header, arrays = unpack(self._connection.recv_bytes())
                if "checkpoint" in header:
                    self.pool.keep(header, arrays)
                else:
                    self._answer(header.pop("id"), (header, arrays))


SERVER: WorkerPool | None = None  # set by app.py while the server is up; None where a page runs without it


class WorkerPool(Pool):
    """Runs in worker processes. A worker that dies is restarted and its runs go on from their last checkpoint."""

    live = True

    def __init__(self, workers: int | None = None) -> None:
        self.size = workers or max(1, (os.cpu_count() or 2) - 1)
        self.runs: dict[str, Kept] = {}
        self.workers: list[Worker] = []

    def start(self) -> None:
        self.workers = [Worker(self) for _ in range(self.size)]

    def stop(self) -> None:
        for worker in self.workers:
            worker.stop()
        self.workers = []

    def submit(self, command, arrays=None):
        token = command["run"]
        if command["do"] == "open":
            worker = min(self.workers, key=lambda w: sum(kept.worker is w for kept in self.runs.values()))
            worker.wait(PATIENCE)
            self.runs[token] = Kept(worker, command["experiment"], command["speed"])
        kept = self.runs.get(token)
        if kept is None:
            gone: Future[Answer] = Future()
            gone.set_result(({"error": "gone"}, {}))
            return gone
        self._note(kept, command)
        if command["do"] == "close":
            del self.runs[token]
        return kept.worker.submit(command, arrays)

    def _note(self, kept: Kept, command: Mapping[str, Any]) -> None:
        """Remember what a restart must know and the last checkpoint does not."""
        before, kept.experiment = kept.experiment, command.get("experiment", kept.experiment)
        kept.speed = command.get("speed", kept.speed)
        kept.status = {"play": "running", "pause": "paused", "step": "paused", "reset": "idle"}.get(
            command["do"], kept.status
        )
        if command["do"] == "reset" or not Experiment.from_json(before).goes_on_as(
            Experiment.from_json(kept.experiment)
        ):
            kept.facts = None

    def keep(self, facts: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Take a checkpoint that a worker sent."""
        if kept := self.runs.get(facts["checkpoint"]):
            kept.facts, kept.arrays, kept.status = facts, arrays, facts["status"]

    def revive(self, worker: Worker, send: Any) -> None:
        """Give a restarted worker its runs back."""
        for token, kept in list(self.runs.items()):
            if kept.worker is not worker:
                continue
            command = {"id": 0, "run": token, "experiment": kept.experiment, "speed": kept.speed}
            if kept.facts:
                epoch = kept.facts["epoch"]
                notice = f"The training process stopped and was restarted; this run was resumed from epoch {epoch}."
                send({**command, "do": "resume", "status": kept.status, "notice": notice}, kept.arrays)
            else:
                send({**command, "do": "open"}, None)
                if kept.status == "running":
                    send({**command, "do": "play"}, None)

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
                self.close(token)

    def health(self) -> dict[str, Any]:
        """For /healthz: asks each worker, and counts one that does not answer as not alive."""
        asked = [worker.submit({"do": "count", "run": ""}, None) for worker in self.workers]
        done, _ = wait(asked, timeout=2)
        counts = [header for header, _ in (future.result() for future in done) if "error" not in header]
        return {
            "workers": {"alive": len(counts), "restarts": sum(worker.restarts for worker in self.workers)},
            "trainers": {state: sum(count[state] for count in counts) for state in ("running", "paused")},
        }
