"""`python -m lab.studies.worker`: trains a task for each line of the input, and writes its outcome as one line.

It ends with its input, so it never outlives the study.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: see lab/worker/__main__.py

import contextlib
import queue
import signal
import sys
import threading

from lab.studies.trial import run
from lab.studies.workers import MEMORY_VARIABLE
from lab.worker.process_bounds import bound_memory, lower_priority

NICENESS = 15  # pages, and the runs that people watch, come first


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the study decides
    with contextlib.suppress(ValueError, OSError):  # the process has more than that already, or nothing is known of it
        bound_memory(float(os.environ.get(MEMORY_VARIABLE, "0")))
    lower_priority(NICENESS)
    outcomes = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else is printed must not be read as an outcome
    tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(tasks,), daemon=True).start()
    while True:
        print(run(tasks.get()), file=outcomes, flush=True)


def _read(tasks: queue.SimpleQueue[str]) -> None:
    """Pass lines on; at the end of the input there is nobody who waits for an outcome."""
    sys.stdin.reconfigure(encoding="utf-8")  # pyrefly: ignore
    for line in sys.stdin:
        tasks.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
