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
from lab.worker.process_bounds import bound_memory, lower_priority
from lab.worker.scheduler import Scheduler


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
