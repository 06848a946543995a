"""The studies that a server's visitors have begun: one for each visitor, and few at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace

from lab.experiment.errors import SentenceError
from lab.experiment.own_data import RunUse
from lab.studies.conduct import conduct
from lab.studies.search import Search
from lab.studies.study import Study
from lab.studies.workers import LocalWorkers, Workers

CHECK_S = 0.5  # between two looks at whether there is a place
LOST = "The study has ended because of an error in the program; the server's log says more."


class Job:
    """A study in a thread of its own. status: waiting, running, stopped, complete or failed."""

    def __init__(self, search: Search, make_workers: Callable[[Study], Workers], minutes: float) -> None:
        self.search, self.status, self.problem = search, "waiting", ""
        self._make_workers, self._stop = make_workers, threading.Event()
        self._timer = threading.Timer(minutes * 60, self._stop.set)
        self._timer.daemon = True

    def stop(self) -> None:
        """Soon; what was being trained is trained again when the study goes on."""
        self._stop.set()

    @property
    def is_active(self) -> bool:
        return self.status in ("waiting", "running")

    def run(self, places: threading.Semaphore) -> None:
        """Until the study is complete or stopped. places: of studies that are trained at the same time."""
        while not places.acquire(timeout=CHECK_S):
            if self._stop.is_set():
                self.status = "stopped"
                return
        self.status, status = "running", "failed"
        self._timer.start()
        try:
            workers = self._make_workers(self.search.study)
            try:
                conduct(self.search, workers, self._stop)
            finally:
                workers.close()
            status = "complete" if self.search.is_complete else "stopped"
        except SentenceError as problem:
            self.problem = str(problem)
        except BaseException:
            self.problem = LOST
            raise
        finally:
            self._timer.cancel()
            places.release()
            self.status = status


class Jobs:
    """limits: as of lab/server/limits.py. make_workers: what trains a study; by default processes of this machine."""

    def __init__(self, limits: SimpleNamespace, make_workers: Callable[[Study], Workers] | None = None) -> None:
        self._limits = limits
        self._make_workers = make_workers or (lambda study: LocalWorkers(int(limits.study_workers)))
        self._places, self._lock = threading.Semaphore(int(limits.studies)), threading.Lock()
        self._jobs: dict[str, Job] = {}  # owner -> the latest

    def begin(self, owner: str, search: Search) -> Job:
        """Begin or go on with a study of a visitor; another one that is under way is stopped."""
        with self._lock:
            if (before := self._jobs.get(owner)) and before.is_active:
                if before.search.name == search.name:
                    return before
                before.stop()
            job = self._jobs[owner] = Job(search, self._make_workers, self._limits.study_minutes)
        threading.Thread(target=job.run, args=(self._places,), name="study", daemon=True).start()
        return job

    def of(self, owner: str) -> Job | None:
        return self._jobs.get(owner)

    def stop(self) -> None:
        """All of them; the server ends."""
        for job in self._jobs.values():
            job.stop()

    def uses(self) -> dict[str, RunUse]:
        """The uploaded data of the studies under way."""
        own = {name: job.search.study.experiment.own for name, job in self._jobs.items() if job.is_active}
        return {f"study of {name}": RunUse("", frozenset({used})) for name, used in own.items() if used}
