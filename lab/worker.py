"""`python -m lab.worker ADDRESS`: a process that trains many runs in turns and answers commands between two slices.

It leaves when the connection closes, so it never outlives the server.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: spinning BLAS threads cost small networks up to a hundredfold

import gc
import signal
import sys
import time
from multiprocessing.connection import Client, Connection

import numpy as np

import data
from lab.frames import pack, unpack
from lab.host import Host

DRAIN = 16  # commands answered before the next slice: thirty visitors' requests must not stop all training
IDLE = 0.05  # seconds to wait for a command when nothing trains


def serve(connection: Connection, host: Host) -> None:
    """Until the connection closes."""
    while True:
        busy = host.work()
        answered = 0
        while answered < DRAIN and connection.poll(0 if busy or answered else IDLE):
            _answer(connection, host, connection.recv_bytes())
            answered += 1
        for name, (facts, arrays) in host.checkpoints(time.monotonic()):
            connection.send_bytes(pack({"checkpoint": name, **facts}, arrays))


def _answer(connection: Connection, host: Host, message: bytes) -> None:
    command, arrays = unpack(message)
    try:
        header, arrays = host.handle(command, arrays)
    except KeyError:
        header, arrays = {"error": "gone"}, {}
    except ValueError as problem:
        header, arrays = {"error": "refused", "sentence": str(problem)}, {}
    except Exception as problem:
        print(f"worker: {command.get('do')}: {type(problem).__name__}: {problem}", file=sys.stderr, flush=True)
        header, arrays = {"error": "failed", "sentence": f"The command failed ({type(problem).__name__})."}, {}
    connection.send_bytes(pack({"id": command.get("id"), **header}, arrays))


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server closes the connection in its own time
    np.seterr(all="ignore")
    data.preload()
    gc.collect()
    gc.freeze()
    with Client(sys.argv[1], authkey=bytes.fromhex(os.environ.pop("LAB_WORKER_KEY"))) as connection:
        try:
            serve(connection, Host())
        except (EOFError, ConnectionError):
            pass


if __name__ == "__main__":
    main()
