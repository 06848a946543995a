"""Conducts a study: asks for trials, has them trained, and tells their outcomes, until it is complete or stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait

from lab.studies.search import Asked, Search
from lab.studies.task import Outcome
from lab.studies.workers import WorkerError, Workers

CHECK_S = 0.5  # between two looks at whether to stop, and at how many workers there are


def conduct(
    search: Search, workers: Workers, stop: threading.Event, told: Callable[[Asked, Outcome], None] | None = None
) -> None:  # fmt: skip
    """Returns when nothing is left to train, or soon after `stop` is set. told: called after each outcome."""
    search.keep()
    training: dict[Future[str], Asked] = {}
    while not stop.is_set():
        wanted = workers.slots + (workers.spare if search.asks_ahead else 0)
        while len(training) < wanted and (asked := search.ask()):
            training[workers.submit(asked.task.to_text())] = asked
        if not training and search.is_complete:
            return
        if not training:  # no worker is there yet
            stop.wait(CHECK_S)
        done, _ = wait(training, CHECK_S, FIRST_COMPLETED)
        for future in sorted(done, key=lambda future: training[future].number):
            asked, outcome = training.pop(future), _outcome(future)
            search.tell(asked, outcome)
            if told:
                told(asked, outcome)


def _outcome(future: Future[str]) -> Outcome:
    try:
        return Outcome.from_text(future.result())
    except WorkerError as problem:
        return Outcome("failed", why=str(problem))
