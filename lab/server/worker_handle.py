"""The server's side of one worker process: it is started, given commands, and started again should it end.

Commands and replies (lab/protocol/wire.py) go over a connection that only a process with the key can open.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import Any

from lab.protocol.frames import FrameError
from lab.protocol.heartbeat import Heartbeat
from lab.protocol.messages import Arrays, Checkpoint, Command, Reply
from lab.protocol.wire import GOODBYE, decode_from_worker, encode_command
from lab.server.limits import START_LIMIT_S
from lab.server.log import log
from lab.server.outbox import Outbox

LONGEST_PAUSE_S = 30.0  # between two attempts to start a process that cannot be started
LOOKS = 10  # at the heartbeat before a process counts as hung: a machine that stood still itself misses one, not all
BUSY = Reply(error="lost", sentence="The training process is busy. Try again in a moment.")

Recovery = Iterable[tuple[str, Command, Arrays]]  # run, command and its arrays


class WorkerHandle:
    """Starts a process that trains, starts it again whenever it ends, and hands commands to it.

    recovery_commands: called with this handle after each start; what gives the process its runs back.
    take_checkpoint: called with each checkpoint that the process sends.
    memory_mb: the most memory that the process can have; more is refused to it by the system. 0: no limit.
    hang_seconds: without a sign of life for so long it is ended, as if it had crashed.
    """

    def __init__(
        self,
        recovery_commands: Callable[[WorkerHandle], Recovery],
        take_checkpoint: Callable[[Checkpoint], None],
        memory_mb: float = 0,
        hang_seconds: float = 30,
    ) -> None:
        self._recovery_commands, self._take_checkpoint = recovery_commands, take_checkpoint
        self._memory_mb, self._hang_seconds = memory_mb, hang_seconds
        self.restarts = self.hangs = 0
        self.culprit = ""  # the run that the process was busy with when it last ended
        self.process: subprocess.Popen[bytes] | None = None
        self._waiting: dict[int, Future[Reply]] = {}  # number of a command -> its reply
        self._outbox: Outbox | None = None  # None: the process takes no commands
        self._lock = threading.Lock()  # of the two above; never held while a future is resolved
        self._tried = threading.Event()  # to start: it is ready, or cannot be started for now
        self._stopping = threading.Event()
        self._number = self._failures = 0
        self._heartbeat: Heartbeat | None = None  # None: no process is connected
        self._thread = threading.Thread(target=self._live, name="lab worker", daemon=True)
        self._thread.start()
        threading.Thread(target=self._watchdog, name="lab worker watchdog", daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether it takes commands."""
        return self._outbox is not None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def submit(self, run: str, command: Command, arrays: Arrays | None = None) -> Future[Reply]:
        """Never waits. The reply says `lost` when the process is not there or ends before it answers."""
        future: Future[Reply] = Future()
        future.set_running_or_notify_cancel()  # nobody can cancel it: the reply is news for the pool, too
        with self._lock:
            self._number = number = self._number + 1
            if outbox := self._outbox:
                self._waiting[number] = future
        if outbox is None:
            future.set_result(self._lost())
        elif not outbox.put(encode_command(number, run, command, arrays)):
            self._resolve(number, BUSY)
        return future

    def wait(self, seconds: float) -> None:
        """Until it is ready or known to be out of order."""
        self._tried.wait(seconds)

    def stop(self) -> None:
        """Say goodbye; the process leaves on its own, or is made to."""
        self._stopping.set()
        if outbox := self._outbox:
            outbox.put(GOODBYE)
        self._thread.join(3)
        if self._thread.is_alive() and self.process:
            self.process.kill()
            self._thread.join()

    def _lost(self) -> Reply:
        what = "cannot be started; the server's log says why" if self._failures else "is being restarted"
        return Reply(error="lost", sentence=f"The training process {what}.")

    def _resolve(self, number: int, reply: Reply) -> None:
        with self._lock:
            future = self._waiting.pop(number, None)
        if future:
            future.set_result(reply)

    def _live(self) -> None:
        """Start the process, read what it says, and start it again should it end."""
        while not self._stopping.is_set():
            if (connection := self._start()) is None:
                self._failures += 1
                self._tried.set()
                self._stopping.wait(min(0.25 * 2**self._failures, LONGEST_PAUSE_S))
                continue
            self._failures = 0
            outbox = Outbox(connection)
            for run, command, arrays in self._recovery_commands(self):
                outbox.put(encode_command(0, run, command, arrays))  # sent while `_read` takes the answers
            self._outbox = outbox
            self._tried.set()
            if self._stopping.is_set():
                outbox.put(GOODBYE)  # `stop` may have come before there was an outbox
            self._read(connection)
            self._tried.clear()
            with self._lock:
                self._outbox, lost = None, list(self._waiting)
            self._end()
            outbox.close()
            connection.close()
            self.culprit = self._heartbeat.read()[1] if self._heartbeat else ""
            self._close_heartbeat()
            for number in lost:
                self._resolve(number, self._lost())
            if not self._stopping.is_set():
                self.restarts += 1
                log("worker ended", restarts=self.restarts, code=self.process.returncode if self.process else 0)
        self._tried.set()

    def _start(self) -> Connection | None:
        """The connection to a new process, or None."""
        key, arrived = secrets.token_bytes(32), threading.Event()
        with Listener(None, authkey=key) as listener:
            heartbeat = Heartbeat()
            environment = {
                **os.environ,
                "LAB_WORKER_KEY": key.hex(),
                "LAB_WORKER_HEARTBEAT": heartbeat.path,
                "LAB_WORKER_MB": str(self._memory_mb),
            }
            words = [sys.executable, "-m", "lab.worker", str(listener.address)]
            try:
                self.process = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL)
                unblock = partial(self._unblock_accept, self.process, listener.address, arrived)
                threading.Thread(target=unblock, name="lab worker start", daemon=True).start()
                connection = listener.accept()
            except (OSError, EOFError, AuthenticationError):
                self._end()
                heartbeat.close()
                return None
            finally:
                arrived.set()
        self._heartbeat = heartbeat
        return connection

    def _unblock_accept(self, process: subprocess.Popen[bytes], address: Any, arrived: threading.Event) -> None:
        """End the wait of `accept` when the process has ended, is too slow or is not wanted any more."""
        late = time.monotonic() + START_LIMIT_S
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

    def _close_heartbeat(self) -> None:
        heartbeat, self._heartbeat = self._heartbeat, None
        if heartbeat:
            heartbeat.close()

    def _watchdog(self) -> None:
        """End a connected process that shows no life. Looks are counted, not seconds: a clock may jump."""
        silent, last = 0, -1
        while not self._stopping.wait(self._hang_seconds / LOOKS):
            heartbeat = self._heartbeat
            if heartbeat is None or heartbeat.blind:
                silent = 0
                continue
            beats, _ = heartbeat.read()
            silent, last = (silent + 1 if beats == last else 0), beats
            if silent >= LOOKS and self.process:
                self.hangs, silent = self.hangs + 1, 0
                log("worker hung", hangs=self.hangs)
                self.process.kill()

    def _read(self, connection: Connection) -> None:
        """Until the connection ends."""
        with contextlib.suppress(EOFError, OSError, FrameError):
            while True:
                match decode_from_worker(connection.recv_bytes()):
                    case Checkpoint() as checkpoint:
                        self._take_checkpoint(checkpoint)
                    case number, reply:
                        self._resolve(number, reply)
