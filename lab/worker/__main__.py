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
from lab.protocol.errors import BadMessage
from lab.protocol.heartbeat import Heartbeat
from lab.protocol.messages import failed
from lab.protocol.wire import GOODBYE, decode_command, encode_checkpoint, encode_reply
from lab.worker.scheduler import Scheduler

COMMANDS_A_ROUND = 16  # answered after a round of slices: thirty visitors' requests must not stop all training
COMMANDS_A_SLICE = 2  # answered after each slice: with thirty slices in a round nobody may wait for all of them
NICENESS = 10  # a hundred pupils on two cores: 3.2 frames a second instead of 2.0
IDLE_S = 0.05  # to wait for a command when nothing trains


def serve(connection: Connection, scheduler: Scheduler) -> None:
    """Until the server says goodbye or the connection closes, which raises EOFError."""

    def answer(most: int, wait: float = 0) -> None:
        for number in range(most):
            if not _waits(connection, 0 if number else wait):
                return
            if (message := connection.recv_bytes()) == GOODBYE:
                _send_checkpoints(connection, scheduler, np.inf)
                raise EOFError
            number_of, run, command, arrays = decode_command(message)
            bad = isinstance(command, BadMessage)
            reply = failed(command) if bad else scheduler.answer(run, command, arrays)
            if number_of:
                connection.send_bytes(encode_reply(number_of, reply))

    while True:
        scheduler.mark("")
        busy = scheduler.work(between=lambda: answer(COMMANDS_A_SLICE))
        answer(COMMANDS_A_ROUND, 0 if busy else IDLE_S)
        _send_checkpoints(connection, scheduler, time.monotonic())


def _waits(connection: Connection, seconds: float) -> bool:
    """Whether a command is there. `poll` makes a selector for every look, which costs as much as a step of training."""
    if os.name == "nt":  # where a connection is no file that could be selected
        return connection.poll(seconds)
    return bool(select.select([connection], [], [], seconds)[0])


def _send_checkpoints(connection: Connection, scheduler: Scheduler, now: float) -> None:
    for checkpoint in scheduler.checkpoints(now):
        connection.send_bytes(encode_checkpoint(checkpoint))


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
            serve(connection, Scheduler(heartbeat.mark, expendable=True))
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)  # at once: with a lost graphics card even tidying up may hang


if __name__ == "__main__":
    main()
