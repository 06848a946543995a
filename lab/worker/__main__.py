"""`python -m lab.worker ADDRESS`: a process that trains many runs in turns and answers commands between two slices.

It leaves when the connection closes, so it never outlives the server.
"""

from __future__ import annotations

import os

os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # before NumPy: spinning BLAS threads cost small networks up to a hundredfold

import contextlib
import gc
import select
import signal
import sys
import time
import traceback
from multiprocessing.connection import Client, Connection

import numpy as np

import data
from lab.protocol.frames import pack, unpack
from lab.protocol.heartbeat import Pulse
from lab.worker.scheduler import Host

DRAIN = 16  # commands answered after a round of slices: thirty visitors' requests must not stop all training
BETWEEN = 2  # commands answered after each slice: with thirty slices in a round nobody may wait for all of them
NICENESS = 10  # a hundred pupils on two cores: 3.2 frames a second instead of 2.0
IDLE = 0.05  # seconds to wait for a command when nothing trains


def serve(connection: Connection, host: Host) -> None:
    """Until the server says goodbye or the connection closes, which raises EOFError."""

    def answer(most: int, wait: float = 0) -> None:
        for number in range(most):
            if not _waits(connection, 0 if number else wait):
                return
            if not (message := connection.recv_bytes()):  # an empty message says goodbye
                _send_checkpoints(connection, host, np.inf)
                raise EOFError
            command, arrays = unpack(message)
            header, arrays = host.answer(command, arrays)
            connection.send_bytes(pack({"id": command.get("id"), **header}, arrays))

    while True:
        host.mark("")
        busy = host.work(between=lambda: answer(BETWEEN))
        answer(DRAIN, 0 if busy else IDLE)
        _send_checkpoints(connection, host, time.monotonic())


def _waits(connection: Connection, seconds: float) -> bool:
    """Whether a command is there. `poll` makes a selector for every look, which costs as much as a step of training."""
    if os.name == "nt":  # where a connection is no file that could be selected
        return connection.poll(seconds)
    return bool(select.select([connection], [], [], seconds)[0])


def _send_checkpoints(connection: Connection, host: Host, now: float) -> None:
    for name, (facts, arrays) in host.checkpoints(now):
        connection.send_bytes(pack({"checkpoint": name, **facts}, arrays))


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


def stand_back() -> None:
    """Where cores are few the server goes first: it answers everybody in moments, training takes what it is given."""
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
    stand_back()
    pulse = Pulse(os.environ.pop("LAB_WORKER_PULSE", "") or os.devnull)
    key = bytes.fromhex(os.environ.pop("LAB_WORKER_KEY"))
    try:
        with contextlib.suppress(EOFError, ConnectionError), Client(sys.argv[1], authkey=key) as connection:
            serve(connection, Host(pulse.mark, expendable=True))
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)  # at once: with a lost graphics card even tidying up may hang


if __name__ == "__main__":
    main()
