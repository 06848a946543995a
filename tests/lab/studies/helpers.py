"""A small study and ways to conduct it."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from lab.studies.conduct import conduct
from lab.studies.search import Search
from lab.studies.study import Study
from lab.studies.trial import run

SMALL: dict[str, Any] = {
    "experiment": {"dataset": "moons", "samples": 60, "hidden": [4], "epochs": 5, "validation_share": 0.3},
    "space": {"learning_rate": {"low": 0.01, "high": 1, "log": True}, "hidden": [[2], [4], [3, 3]]},
    "trials": 6,
    "seeds": 1,
    "pruner": "none",
}


class Threads:
    """Workers in this process, whose compiled networks are shared by all tests."""

    spare = 0

    def __init__(self, slots: int = 1) -> None:
        self.slots, self._threads = slots, ThreadPoolExecutor(slots)

    def submit(self, text: str) -> Future[str]:
        return self._threads.submit(run, text)

    def close(self) -> None:
        self._threads.shutdown()


def study_of(**changes: Any) -> Study:
    """SMALL with some of its values changed."""
    return Study.with_notes_from_json(json.dumps({**SMALL, **changes}))[0]


def conducted(study: Study, slots: int = 1, store: Any = None, after: int = 0, workers: Any = None) -> Search:
    """A search until its end, or until this number of trials has been told."""
    search, stop, told = Search(study, store), threading.Event(), []
    workers = workers or Threads(slots)

    def count(*what: Any) -> None:
        told.append(what)
        if len(told) == after:
            stop.set()

    try:
        conduct(search, workers, stop, count)
    finally:
        workers.close()
    return search


def rows_of(search: Search) -> list[dict[str, Any]]:
    """The rows without their durations."""
    return [{name: value for name, value in row.items() if name != "seconds"} for row in search.rows()]
