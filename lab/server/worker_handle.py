"""One worker process, seen from the server: it is started, given commands, and started again should it end.

Commands and answers are frames (lab/protocol/frames.py) on a connection that only a process with the key can open.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from functools import partial
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import Any

import numpy as np

from lab.protocol.frames import FrameError, pack, unpack
from lab.protocol.heartbeat import Pulse
from lab.server.log import log
from lab.worker.scheduler import Answer

START_LIMIT = 30.0  # seconds that the start of a process may take
LONGEST_PAUSE = 30.0  # seconds between two attempts to start one that cannot be started
LOOKS = 10  # at the pulse before a process counts as hung: a machine that stood still itself misses one, not all

Command = tuple[dict[str, Any], Mapping[str, np.ndarray]]


class Worker:
    """Starts a process that trains, starts it again whenever it ends, and hands commands to it.

    revival: called with this worker after each start; the commands that bring its runs back.
    keep: called with the header and arrays of each checkpoint that the process sends.
    memory_mb: the most memory that the process can have; more is refused to it by the system. 0: no limit.
    hang_seconds: without a sign of life for so long it is ended, as if it had died.
    """

    def __init__(
        self,
        revival: Callable[[Worker], Iterable[Command]],
        keep: Callable[..., None],
        memory_mb: float = 0,
        hang_seconds: float = 30,
    ) -> None:
        self._revival, self._keep, self.restarts, self.hangs = revival, keep, 0, 0
        self._memory_mb, self._hang_seconds = memory_mb, hang_seconds
        self.culprit = ""  # the run that the process was busy with when it last ended
        self.process: subprocess.Popen[bytes] | None = None
        self._waiting: dict[int, Future[Answer]] = {}
        self._sending = threading.Lock()
        self._ready = threading.Event()  # to take commands
        self._tried = threading.Event()  # to start: it is ready, or cannot be started for now
        self._stopping = threading.Event()
        self._number = self._failures = 0
        self._thread = threading.Thread(target=self._live, name="lab worker", daemon=True)
        self._thread.start()
        threading.Thread(target=self._guard, name="lab worker guard", daemon=True).start()

    @property
    def alive(self) -> bool:
        return self._ready.is_set()

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def submit(self, command: dict[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> Future[Answer]:
        """A future of the answer; the error `lost` when the process is not there or ends before it answers."""
        future: Future[Answer] = Future()
        with self._sending:
            self._number += 1
            message = pack({**command, "id": self._number}, arrays)
            self._waiting[self._number] = future
            if self.alive:
                self._send(message)
            else:
                self._lose(self._number)
        return future

    def wait(self, seconds: float) -> None:
        """Until it is ready or known to be out of order."""
        self._tried.wait(seconds)

    def stop(self) -> None:
        """Say goodbye; the process leaves on its own, or is made to."""
        self._stopping.set()
        with self._sending, contextlib.suppress(OSError):
            if self.alive:
                self._connection.send_bytes(b"")
        self._thread.join(3)
        if self._thread.is_alive() and self.process:
            self.process.kill()
            self._thread.join()

    def _send(self, message: bytes) -> None:
        with contextlib.suppress(OSError):  # `_live` will find the connection broken and lose what waits
            self._connection.send_bytes(message)

    def _lose(self, number: int) -> None:
        what = "cannot be started; the server's log says why" if self._failures else "is being restarted"
        self._answer(number, ({"error": "lost", "sentence": f"The training process {what}."}, {}))

    def _answer(self, number: int | None, answer: Answer) -> None:
        future = self._waiting.pop(number, None) if number else None
        if future and future.set_running_or_notify_cancel():  # nobody waits for a cancelled one
            future.set_result(answer)

    def _live(self) -> None:
        """Start the process, read what it says, and start it again should it end."""
        while not self._stopping.is_set():
            if not self._start():
                self._failures += 1
                self._tried.set()
                self._stopping.wait(min(0.25 * 2**self._failures, LONGEST_PAUSE))
                continue
            self._failures = 0
            for command, arrays in self._revival(self):
                self._send(pack(command, arrays))
            self._ready.set()
            self._tried.set()
            if not self._stopping.is_set():
                self._read()
            self._tried.clear()
            with self._sending:
                self._ready.clear()
                for number in list(self._waiting):
                    self._lose(number)
            self._connection.close()
            self._end()
            self.culprit = self._pulse.read()[1]
            self._pulse.close()
            if not self._stopping.is_set():
                self.restarts += 1
                log("worker ended", restarts=self.restarts, code=self.process.returncode if self.process else 0)
        self._tried.set()

    def _start(self) -> bool:
        """Whether the process has started and connected."""
        key, arrived = secrets.token_bytes(32), threading.Event()
        with Listener(None, authkey=key) as listener:
            self._pulse = Pulse()
            environment = {
                **os.environ,
                "LAB_WORKER_KEY": key.hex(),
                "LAB_WORKER_PULSE": self._pulse.path,
                "LAB_WORKER_MB": str(self._memory_mb),
            }
            words = [sys.executable, "-m", "lab.worker", str(listener.address)]
            try:
                self.process = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL)
                knock = partial(self._knock, self.process, listener.address, arrived)
                threading.Thread(target=knock, name="lab worker start", daemon=True).start()
                self._connection: Connection = listener.accept()
            except (OSError, EOFError, AuthenticationError):
                self._end()
                self._pulse.close()
                return False
            finally:
                arrived.set()
        return True

    def _knock(self, process: subprocess.Popen[bytes], address: Any, arrived: threading.Event) -> None:
        """`accept` waits for ever: end its wait when the process has ended, is too slow or is not wanted any more."""
        late = time.monotonic() + START_LIMIT
        while not arrived.wait(0.05):
            if process.poll() is not None or time.monotonic() > late or self._stopping.is_set():
                process.kill()
                with contextlib.suppress(OSError):
                    Client(address).close()
                return

    def _end(self) -> None:
        """Make sure that the process is gone."""
        if self.process:
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def _guard(self) -> None:
        """End a process that is there and shows no life. Looks are counted, not seconds: a clock may jump."""
        silent, last = 0, -1
        while not self._stopping.wait(self._hang_seconds / LOOKS):
            if not self.alive or self._pulse.blind:
                silent = 0
                continue
            beats, _ = self._pulse.read()
            silent, last = (silent + 1 if beats == last else 0), beats
            if silent >= LOOKS and self.process:
                self.hangs, silent = self.hangs + 1, 0
                log("worker hung", hangs=self.hangs)
                self.process.kill()

    def _read(self) -> None:
        """Until the connection ends."""
        with contextlib.suppress(EOFError, OSError, FrameError):
            while True:
                header, arrays = unpack(self._connection.recv_bytes())
                if "checkpoint" in header:
                    self._keep(header, arrays)
                else:
                    self._answer(header.pop("id"), (header, arrays))
