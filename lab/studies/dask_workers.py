"""Workers of a Dask cluster, on any number of machines, that train the trials of a study.

Tasks and outcomes are texts. The files of the data reach each worker once, and again only a worker that has lost them.
If a worker dies, Dask gives its trial to another one.
"""

from __future__ import annotations

import logging
import math
import os
import time
import uuid
from concurrent.futures import CancelledError, Future
from typing import Any

from lab.experiment.experiment import ExperimentError
from lab.experiment.rules import short
from lab.studies import data_files
from lab.studies.workers import WorkerError

CONNECT_S = 10.0  # that the scheduler may take to answer
COUNT_S = 0.5  # between two questions how many workers there are
TLS = "DASK_DISTRIBUTED__COMM__TLS_"
INSTALL = "pip install -r requirements-dask.txt"


def train(text: str, files: dict[str, bytes]) -> str:
    """On a worker: train a task. A trial that was canceled ends at its next report."""
    from distributed import get_worker

    from lab.studies import trial  # the client does not train

    worker = get_worker()
    key = worker.get_current_task()
    is_wanted = lambda: getattr(worker.state.tasks.get(key), "state", "") == "executing"  # noqa: E731
    return trial.run(text, data_files.place(files), is_wanted)


class DaskWorkers:
    """The workers of the scheduler at an address, such as tcp://10.0.0.1:8786. Raises ExperimentError.

    files: name -> content; see data_files.collect.
    """

    def __init__(self, address: str, files: dict[str, bytes]) -> None:
        try:
            from distributed import Client, Security
        except ModuleNotFoundError:
            raise ExperimentError([f"scheduler: Dask is not installed. Install it with: {INSTALL}"]) from None
        if address.startswith("tls://") and not Security().get_connection_args("client")["ssl_context"]:
            allowed = f"files that the environment names in {TLS}_CA_FILE, {TLS}_CLIENT__CERT and {TLS}_CLIENT__KEY"
            raise ExperimentError([f"scheduler: {short(address)} needs a certificate. Allowed: {allowed}."])
        self.address = address
        try:
            logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what it logs, a sentence says
            self._client: Any = Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TypeError) as problem:  # no answer; no address; a certificate is needed
            why = str(problem).partition("\n")[0][:200]
            allowed = "the address of a running Dask scheduler, such as tcp://10.0.0.1:8786"
            raise ExperimentError([f"scheduler: {short(address)}: {why}. Allowed: {allowed}."]) from None
        self._files = self._client.submit(dict, files, key=f"study-files-{uuid.uuid4().hex}")
        self._tasks: dict[Future[str], Any] = {}
        self._slots, self._counted = 0, -math.inf

    @property
    def slots(self) -> int:
        """The threads of all workers, as they were at most COUNT_S ago."""
        if time.monotonic() > self._counted + COUNT_S:
            self._slots, self._counted = sum(self._client.nthreads().values()), time.monotonic()
        return self._slots

    @property
    def spare(self) -> int:
        """One for each thread, so that none waits while the outcome of its last task travels."""
        return self.slots

    def pids(self) -> list[int]:
        """The process of each worker."""
        return [*self._client.run(os.getpid).values()]

    def submit(self, text: str) -> Future[str]:
        outcome: Future[str] = Future()
        task = self._client.submit(train, text, self._files, key=f"study-trial-{uuid.uuid4().hex}", pure=False)
        self._tasks[outcome] = task  # Dask forgets a task that nobody holds
        task.add_done_callback(lambda task: self._finish(outcome, task))
        return outcome

    def _finish(self, outcome: Future[str], task: Any) -> None:
        self._tasks.pop(outcome, None)
        try:
            outcome.set_result(task.result())
        except CancelledError:
            sentence = (
                f"scheduler: {self.address} has dropped the study. With --store, the same command goes on with it."
            )
            outcome.set_exception(ExperimentError([sentence]))
        except Exception as problem:  # whatever a worker raises, a WorkerError included: KilledWorker
            outcome.set_exception(WorkerError(f"{type(problem).__name__}: {problem}"))

    def close(self) -> None:
        self._client.cancel([*self._tasks.values(), self._files])
        self._client.close()
