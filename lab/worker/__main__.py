"""`python -m lab.worker ADDRESS`: starts the scheduler in a process of its own.

It leaves when the connection closes, so it never outlives the server.
"""

from __future__ import annotations

import os

os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # before NumPy: spinning BLAS threads cost small networks up to a hundredfold

import contextlib
import gc
import signal
import sys
import traceback
from multiprocessing.connection import Client

import numpy as np

import data
from lab.protocol.heartbeat import Heartbeat
from lab.worker.scheduler import Scheduler

NICENESS = 10  # a hundred pupils on two cores: 3.2 frames a second instead of 2.0


def bound_memory(megabytes: float) -> None:
    """From here on the system refuses more; NumPy raises MemoryError, which ends one run and not the process.

    RLIMIT_DATA counts what is written to. RLIMIT_AS would count what is only reserved: a GPU's driver reserves more
    than any machine has.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    if megabytes:
        resource.setrlimit(resource.RLIMIT_DATA, (int(megabytes * 1e6), int(megabytes * 1e6)))


def lower_priority() -> None:
    """Where cores are few the server comes first: it answers everybody within moments, training takes what is left."""
    if hasattr(os, "nice"):  # not on Windows
        os.nice(NICENESS)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server closes the connection
    np.seterr(all="ignore")
    data.preload()
    gc.collect()
    gc.freeze()
    with contextlib.suppress(
        ValueError, OSError
    ):  # the process has more than that already, or the system knows no limits
        bound_memory(float(os.environ.pop("LAB_WORKER_MB", "0")))
    lower_priority()
    heartbeat = Heartbeat(os.environ.pop("LAB_WORKER_HEARTBEAT", "") or os.devnull)
    key = bytes.fromhex(os.environ.pop("LAB_WORKER_KEY"))
    try:
        with contextlib.suppress(EOFError, ConnectionError), Client(sys.argv[1], authkey=key) as connection:
            Scheduler(heartbeat.mark, expendable=True).serve(connection)
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)  # at once: with a lost graphics card even tidying up may hang


if __name__ == "__main__":
    main()
