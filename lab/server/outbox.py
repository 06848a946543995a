"""Messages to a process that may not be reading: whoever has one to send never waits."""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from multiprocessing.connection import Connection

MAX_BACKLOG_BYTES = 200e6  # not sent yet; more is refused
SMALL = 4096  # bytes: with room in the connection's buffer, so much goes without waiting


class Outbox:
    """One connection. A thread of its own sends what does not go at once; messages keep their order."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._backlog, self._bytes = connection, deque[bytes](), 0
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._send_backlog, name="lab worker outbox", daemon=True)
        self._thread.start()

    def put(self, message: bytes) -> bool:
        """Send a message, now or soon. False, and it is not sent, where too much waits already."""
        with self._changed:
            if self._closed:
                return True  # as if it had been sent and lost with the process
            if not self._backlog and len(message) <= SMALL and _has_room(self._connection):
                self._send(message)  # the usual case, without waking a thread
                return True
            if self._bytes and self._bytes + len(message) > MAX_BACKLOG_BYTES:
                return False
            self._backlog.append(message)
            self._bytes += len(message)
            self._changed.notify()
            return True

    def close(self) -> None:
        """What has not been sent is dropped. Nothing uses the connection after that; its process must have ended."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _send_backlog(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._backlog or self._closed)
                if self._closed:
                    return
                message = self._backlog[0]  # it stays there meanwhile, so that nothing overtakes it
            self._send(message)
            with self._changed:
                self._backlog.popleft()
                self._bytes -= len(message)

    def _send(self, message: bytes) -> None:
        try:
            self._connection.send_bytes(message)
        except (OSError, ValueError):  # whoever reads the connection will find it broken
            self._closed = True


def _has_room(connection: Connection) -> bool:
    """Whether a small message goes into the connection's buffer. Where that cannot be seen the thread sends it."""
    if os.name == "nt":
        return False
    try:
        return bool(select.select([], [connection], [], 0)[1])
    except (OSError, ValueError):
        return False
