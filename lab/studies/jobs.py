"""The studies that a server's visitors have begun: one for each visitor, and few at a time."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable
from functools import cache, partial
from types import SimpleNamespace

from lab.experiment.errors import SentenceError
from lab.experiment.experiment import ExperimentError
from lab.server.admission import check_visitor_limits
from lab.server.limits import limits
from lab.server.log import log
from lab.store.store import Store
from lab.studies import data_files
from lab.studies.conduct import conduct
from lab.studies.search import Search, remove_old
from lab.studies.study import Study
from lab.studies.workers import LocalWorkers, Workers

SCHEDULER_VARIABLE = "PLAYGROUND_SCHEDULER"
PROCESS_MB = 300  # of a process without a trial
MAX_REMEMBERED = 100  # studies that have ended
CHECK_S = 0.5  # between two looks at whether there is a place
LOST = "The study has ended because of an error in the program; the server's log says more."


class Job:
    """A study in a thread of its own. problem: why it failed.

    status: waiting, running, stopped, complete or failed; stopped or complete before it is started. minutes: that it
    may take. places: of studies that are trained at the same time.
    """

    def __init__(self, search: Search, make_workers: Callable[[Study], Workers], minutes: float,
                 places: threading.Semaphore) -> None:  # fmt: skip
        self.search, self.status, self.problem = search, _ended(search), ""
        self._places = places
        self._make_workers, self._stop = make_workers, threading.Event()
        self._timer = threading.Timer(minutes * 60, self._stop.set)
        self._timer.daemon = True
        self._thread = threading.Thread(target=self._run, name="study", daemon=True)

    def stop(self) -> None:
        """Soon; what was being trained is trained again when the study goes on."""
        self._stop.set()

    @property
    def is_active(self) -> bool:
        return self.status in ("waiting", "running")

    def start(self) -> None:
        self.status = "waiting"
        self._thread.start()

    def wait(self) -> None:
        """Until it has ended."""
        self._thread.join()

    def _run(self) -> None:
        while not self._places.acquire(timeout=CHECK_S):
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
            status = _ended(self.search)
        except SentenceError as problem:
            self.problem = str(problem)
        except Exception as problem:
            self.problem = LOST
            log("a study has ended", error=repr(problem)[:200])
            traceback.print_exc()
        finally:
            self._timer.cancel()
            self._places.release()
            self.status = status


def _ended(search: Search) -> str:
    return "complete" if search.is_complete else "stopped"


class Jobs:
    """limits: as of lab/server/limits.py. make_workers: what trains a study."""

    def __init__(self, limits: SimpleNamespace, make_workers: Callable[[Study], Workers]) -> None:
        self.limits, self._make_workers = limits, make_workers
        self._places, self._lock = threading.Semaphore(int(limits.studies)), threading.Lock()
        self._jobs: dict[str, Job] = {}  # owner -> the latest
        self._opened: dict[str, Job] = {}  # owner -> an earlier one that was looked at

    def begin(self, owner: str, study: Study, store: Store) -> Job:
        """Begin a visitor's study, or go on with it; another one that is under way is stopped. Raises SentenceError."""
        if study.trials > self.limits.study_trials:
            allowed = f"1 to {self.limits.study_trials:,.0f} on this server"
            raise ExperimentError([f"trials: {study.trials:,} are not allowed; allowed: {allowed}."])
        check_visitor_limits(self.limits, study.experiment)
        with self._lock:
            if (before := self._jobs.get(owner)) and before.is_active:
                if before.search.study == study:
                    return before
                before.stop()
                before.wait()
            job = self._job(study, store, owner)
            self._opened.pop(owner, None)
            _remember(self._jobs, owner, job)
            job.start()
        if store:
            remove_old(store, owner, [other.search.name for other in self._jobs.values() if other.is_active])
        return job

    def _job(self, study: Study, store: Store, owner: str) -> Job:
        search = Search(study, store, owner, check=partial(check_visitor_limits, self.limits))
        return Job(search, self._make_workers, self.limits.study_minutes, self._places)

    def of(self, owner: str) -> Job | None:
        """The latest study of a visitor since this server was started."""
        return self._jobs.get(owner)

    def opened(self, owner: str, study: Study, store: Store) -> Job:
        """A study that a visitor has begun, now or before this server was started. Raises StoreError."""
        with self._lock:
            for known in (self._jobs.get(owner), self._opened.get(owner)):
                if known and known.search.study == study:
                    return known
            job = self._job(study, store, owner)
            _remember(self._opened, owner, job)
        return job

    def delete(self, owner: str, name: str, store: Store) -> bool:
        """Delete a visitor's study, which is stopped if it is under way; `Store.restore_study` undoes it.

        Raises StoreError; the study is still there then.
        """
        with self._lock:
            known = [jobs for jobs in (self._jobs, self._opened) if owner in jobs and jobs[owner].search.name == name]
            for jobs in known:
                if jobs[owner].is_active:
                    jobs[owner].stop()
                    jobs[owner].wait()
        is_deleted = store.delete_study(owner, name)
        with self._lock:
            for jobs in known:
                if owner in jobs and jobs[owner].search.name == name:
                    del jobs[owner]
        return is_deleted


def _remember(jobs: dict[str, Job], owner: str, job: Job) -> None:
    """As the latest one; of those that have ended, the oldest are forgotten."""
    jobs.pop(owner, None)
    jobs[owner] = job
    for oldest in [name for name, other in jobs.items() if not other.is_active][:-MAX_REMEMBERED]:
        del jobs[oldest]


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
