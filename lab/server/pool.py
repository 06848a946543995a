"""Where the runs of a server live: worker processes, which may die and are given their runs back.

What one visitor and all together may have stands in lab/server/limits.py.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, wait
from functools import partial
from typing import Any

import numpy as np

from lab.experiment.experiment import Experiment, ExperimentError
from lab.server.checkpoint_store import Store
from lab.server.log import log
from lab.server.memory_estimate import NOTHING, Need, need, together
from lab.server.pool_api import PATIENCE, Full, Pool, Unreachable, checked
from lab.server.pool_api import Fallen as Fallen
from lab.server.pool_api import LocalPool as LocalPool
from lab.server.pool_api import frame_bytes as frame_bytes
from lab.server.run_record import NOTED, Kept, on_gpu, told
from lab.server.waiting_queue import Line
from lab.server.worker_handle import Command, Worker
from lab.worker.scheduler import Answer
from lab.worker.scheduler import Gone as Gone

FALLEN = "hidden: this experiment ended its training process {} times in a row; allowed: a smaller one."

SERVER: WorkerPool | None = None  # set by app.py while the server is up; None where a page runs without it


class WorkerPool(Pool):
    """Runs in worker processes. A worker that dies is restarted and its runs go on from their last checkpoint."""

    live = True

    def __init__(self, workers: int | None = None, store: Store | None = None) -> None:
        super().__init__()
        self.size = workers or int(self.limits.workers)
        self.runs: dict[str, Kept] = {}
        self.fallen: dict[str, str] = {}  # token -> the sentence for its visitor
        self.workers: list[Worker] = []
        self.line = Line(self.limits.line)
        self.store = store
        self.frames = 0  # asked for since the start
        self._placing = threading.Lock()
        self._doors = [threading.Lock() for _ in range(64)]  # one visitor's pages come in one after the other

    def start(self) -> None:
        share = max(500.0, self.limits.memory_mb / self.size)  # a worker itself takes some 250
        self.workers = [
            Worker(self.revival, self.keep, share, self.limits.hang_seconds) for _ in range(self.size)
        ]  # fmt: skip

    def stop(self) -> None:
        for worker in self.workers:
            worker.stop()
        self.workers = []
        self.save()

    def open(self, experiment, speed="epoch", visitor="", ticket=""):
        with self._doors[hash(visitor or ticket) % len(self._doors)]:
            return self._let_in(experiment, speed, visitor, ticket)

    def _let_in(self, experiment: Experiment, speed: str, visitor: str, ticket: str) -> str:
        self._check(experiment)
        token, text = secrets.token_urlsafe(16), experiment.model_dump_json()
        with self._placing:
            for other, kept in self.runs.items():  # Streamlit may break off the script run that fetched it
                if visitor and kept.fetched and (kept.visitor, kept.experiment) == (visitor, text):
                    return other
            free = int(self.limits.runs) - len(self.runs)
            needed = need(experiment)
            if self._occupied(self._worker(text), needed) > self.limits.memory_mb:
                free = 0
            if (before := self.line.ask(ticket or token, free, time.monotonic())) is not None:
                if not ticket:
                    self.line.leave(token)
                raise Full(before)
            kept = self._place(token, text, speed)
            kept.visitor, kept.need = visitor, needed
        kept.worker.wait(PATIENCE)
        saved = self.store.take(visitor, text) if self.store and visitor else None
        if saved:
            facts, arrays = saved
            notice = f"This run was kept while you or the server were away: it goes on from epoch {facts['epoch']}."
            status = "paused" if facts["status"] == "running" else facts["status"]
            try:
                self._do("resume", token, arrays, status=status, speed=speed, experiment=text, notice=notice)
                kept.fetched = True
                return token
            except (ExperimentError, Unreachable):  # it does not fit this version any more: begin anew
                self.runs[token] = kept
        self._do("open", token, experiment=text, speed=speed)
        return token

    @property
    def occupied(self) -> float:
        """Megabytes that all runs are expected to take."""
        return self._occupied()

    def _occupied(self, worker: Worker | None = None, more: Need = NOTHING, without: str = "") -> float:
        """The same with one more run on a worker, and without one of those that are there."""
        return together([(worker, more), *((k.worker, k.need) for token, k in self.runs.items() if token != without)])

    def _worker(self, experiment: str) -> Worker:
        """The one with the fewest runs; for a graphics card the first, so that its runs share it fairly."""
        fewest = min(self.workers, key=lambda w: sum(kept.worker is w for kept in self.runs.values()))
        return self.workers[0] if on_gpu(experiment) else fewest

    def _place(self, token: str, experiment: str, speed: str) -> Kept:
        worker = self._worker(experiment)
        kept = self.runs[token] = Kept(worker, experiment, speed, seen=time.monotonic(), since=worker.restarts)
        return kept

    def change(self, token, experiment):
        if kept := self.runs.get(token):
            after = self._occupied(kept.worker, need(experiment), without=token)
            if after > max(self.occupied, self.limits.memory_mb):
                allowed = "a smaller network, fewer samples, or the same a little later"
                raise ExperimentError([f"hidden: others use the server's memory now; allowed: {allowed}."])
        super().change(token, experiment)

    def submit(self, command, arrays=None):
        token, command = command["run"], told(command)
        if command["do"] == "open" and token not in self.runs:
            self._place(token, command["experiment"], command["speed"]).worker.wait(PATIENCE)
        kept = self.runs.get(token)
        if kept is None:
            gone: Future[Answer] = Future()
            said = {"error": "fallen", "sentence": self.fallen[token]} if token in self.fallen else {"error": "gone"}
            gone.set_result((said, {}))
            return gone
        if command["do"] == "close":
            del self.runs[token]
        elif command["do"] == "frame":
            kept.seen, kept.fetched, self.frames = time.monotonic(), False, self.frames + 1
        elif command["do"] == "change" and on_gpu(command["experiment"]) and kept.worker is not self.workers[0]:
            return self._move(kept, command)
        future = kept.worker.submit(command, arrays)
        if command["do"] in NOTED:
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
        if verb in ("open", "resume") and "error" in answer[0]:
            self.runs.pop(token, None)
        return checked(answer)

    def _move(self, kept: Kept, command: dict[str, Any]) -> Future[Answer]:
        """A run that wants a graphics card begins anew where that lives; if it cannot, it stays as it was."""
        answer: Future[Answer] = Future()

        def opened(done: Future[Answer]) -> None:
            if "error" not in done.result()[0]:
                kept.worker.submit({"do": "close", "run": command["run"]})
                kept.worker, kept.since = self.workers[0], self.workers[0].restarts
                self._note(kept, command, done)
            answer.set_result(done.result())

        start = {**command, "do": "open", "speed": kept.speed}
        self.workers[0].submit(start).add_done_callback(opened)
        return answer

    def _note(self, kept: Kept, command: Mapping[str, Any], done: Future[Answer]) -> None:
        if not done.cancelled() and "error" not in done.result()[0]:
            kept.note(command, done.result())

    def keep(self, facts: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Take a checkpoint that a worker sent."""
        if kept := self.runs.get(facts["checkpoint"]):
            kept.facts, kept.arrays, kept.status = facts, arrays, facts["status"]

    def revival(self, worker: Worker) -> Iterator[Command]:
        """The commands that give a restarted worker its runs back; all but one that ended it too often."""
        deaths = 0
        if culprit := self.runs.get(worker.culprit):
            deaths = culprit.mourn(time.monotonic(), self.limits.forgiven_minutes * 60)
        for token, kept in list(self.runs.items()):
            if kept.worker is not worker:
                continue
            stop = kept is culprit and deaths >= self.limits.deaths
            if stop and deaths > self.limits.deaths:
                self._drop(token)
            else:
                yield from kept.revival(token, stop)

    def _drop(self, token: str) -> None:
        self.fallen[token] = FALLEN.format(len(self.runs.pop(token).deaths))
        log("run given up")
        for oldest in list(self.fallen)[:-1000]:
            del self.fallen[oldest]

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
        """Free the runs whose visitors have been away longer than `grace` seconds, and those nobody has looked at."""
        for token, kept in list(self.runs.items()):
            away = kept.away_since is not None and now - kept.away_since > grace
            if away or now - kept.seen > self.limits.unwatched_minutes * 60:
                self._save(kept, free=True)
                self.submit({"do": "close", "run": token})

    def save(self, seconds: float = 5.0) -> None:
        """Put the checkpoints that are new on disk, as many as that time allows: a server that ends must not linger."""
        end = time.monotonic() + seconds
        for kept in list(self.runs.values()):
            if time.monotonic() > end:
                log("saving cut short")
                return
            self._save(kept)

    def _save(self, kept: Kept, free: bool = False) -> None:
        if self.store and kept.visitor and kept.facts and (free or kept.saved is not kept.facts):
            kept.saved = kept.facts
            self.store.put(kept.visitor, kept.experiment, kept.facts, kept.arrays, free)

    def health(self) -> dict[str, Any]:
        """For /healthz: asks each worker, and counts one that does not answer as not alive."""
        asked = [worker.submit({"do": "count", "run": ""}) for worker in self.workers]
        done, _ = wait(asked, timeout=2)
        counts = [header for header, _ in (future.result() for future in done) if "error" not in header]
        return {
            "workers": {"alive": len(counts), "restarts": sum(worker.restarts for worker in self.workers)},
            "trainers": {state: sum(count[state] for count in counts) for state in ("running", "paused")},
        }
