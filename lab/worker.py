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
import signal
import sys
import time
import traceback
from multiprocessing.connection import Client, Connection

import numpy as np

import data
from lab.frames import pack, unpack
from lab.host import Host

DRAIN = 16  # commands answered before the next slice: thirty visitors' requests must not stop all training
IDLE = 0.05  # seconds to wait for a command when nothing trains


def serve(connection: Connection, host: Host) -> None:
    """Until the server says goodbye or the connection closes."""
    while True:
        busy = host.work()
        answered = 0
        while answered < DRAIN and connection.poll(0 if busy or answered else IDLE):
            if not (message := connection.recv_bytes()):
                return  # an empty message says goodbye
            command, arrays = unpack(message)
            header, arrays = host.answer(command, arrays)
            connection.send_bytes(pack({"id": command.get("id"), **header}, arrays))
            answered += 1
        for name, (facts, arrays) in host.checkpoints(time.monotonic()):
            connection.send_bytes(pack({"checkpoint": name, **facts}, arrays))


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server closes the connection
    np.seterr(all="ignore")
    data.preload()
    gc.collect()
    gc.freeze()
    key = bytes.fromhex(os.environ.pop("LAB_WORKER_KEY"))
    try:
        with contextlib.suppress(EOFError, ConnectionError), Client(sys.argv[1], authkey=key) as connection:
            serve(connection, Host(expendable=True))
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)  # at once: with a lost graphics card even tidying up may hang


if __name__ == "__main__":
    main()
