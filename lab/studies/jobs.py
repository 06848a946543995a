"""The studies that a server's visitors have begun: one for each visitor, and few at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import cache, partial
from types import SimpleNamespace

from lab.experiment.errors import SentenceError
from lab.experiment.experiment import ExperimentError
from lab.server.admission import check_visitor_limits
from lab.server.limits import limits
from lab.store.store import Store
from lab.studies import data_files
from lab.studies.conduct import conduct
from lab.studies.search import Search
from lab.studies.study import Study
from lab.studies.workers import LocalWorkers, Workers

SCHEDULER_VARIABLE = "PLAYGROUND_SCHEDULER"
PROCESS_MB = 300  # of a process without a trial
MAX_REMEMBERED = 100  # studies that have ended
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
    """limits: as of lab/server/limits.py. make_workers: what trains a study."""

    def __init__(self, limits: SimpleNamespace, make_workers: Callable[[Study], Workers]) -> None:
        self.limits, self._make_workers = limits, make_workers
        self._places, self._lock = threading.Semaphore(int(limits.studies)), threading.Lock()
        self._jobs: dict[str, Job] = {}  # owner -> the latest

    def begin(self, owner: str, study: Study, store: Store) -> Job:
        """Begin a visitor's study, or go on with it; another one that is under way is stopped. Raises SentenceError."""
        if study.trials > self.limits.study_trials:
            allowed = f"1 to {self.limits.study_trials:,.0f} on this server"
            raise ExperimentError([f"trials: {study.trials:,} are not allowed; allowed: {allowed}."])
        check = partial(check_visitor_limits, self.limits)
        check(study.experiment)
        job = Job(Search(study, store, owner, check=check), self._make_workers, self.limits.study_minutes)
        with self._lock:
            if (before := self._jobs.pop(owner, None)) and before.is_active:
                if before.search.name == job.search.name and before.search.study == study:
                    self._jobs[owner] = before
                    return before
                before.stop()
            self._jobs[owner] = job
            for oldest in [name for name, other in self._jobs.items() if not other.is_active][:-MAX_REMEMBERED]:
                del self._jobs[oldest]
        threading.Thread(target=job.run, args=(self._places,), name="study", daemon=True).start()
        return job

    def of(self, owner: str) -> Job | None:
        """The latest study of a visitor since this server was started."""
        return self._jobs.get(owner)


@cache
def shared() -> Jobs:
    """Those of this process. PLAYGROUND_SCHEDULER names a Dask cluster that trains them."""
    bounds, address = limits(), os.environ.get(SCHEDULER_VARIABLE, "")

    def make_workers(study: Study) -> Workers:
        if address:
            from lab.studies.dask_workers import DaskWorkers  # optional: requirements-dask.txt

            return DaskWorkers(address, data_files.collect(study.experiment))
        return LocalWorkers(int(bounds.study_workers), bounds.run_mb * study.seeds + PROCESS_MB)

    return Jobs(bounds, make_workers)
