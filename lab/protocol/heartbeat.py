"""What a worker process shows without being asked: that it lives, and whose run it is busy with.

A few bytes of a file that both processes map, so a worker that hangs or is killed cannot keep it from being read.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import tempfile

SIZE = 64
LONGEST = SIZE - 12  # bytes of a run's name


class Pulse:
    """The server makes one, the worker opens it by its path. Without a place for the file it is blind."""

    def __init__(self, path: str = "") -> None:
        self.path, self._beats, self._map = path, 0, None
        try:
            if not path:
                file, self.path = tempfile.mkstemp(prefix="playground-")
                os.write(file, bytes(SIZE))
            else:
                file = os.open(path, os.O_RDWR)
            try:
                self._map = mmap.mmap(file, SIZE)
            finally:
                os.close(file)
        except OSError:
            self.path = ""

    def mark(self, run: str = "") -> None:
        """Alive, and from now on busy with this run."""
        if self._map is not None:
            self._beats += 1
            name = run.encode(errors="replace")[:LONGEST]
            struct.pack_into(f"<QI{LONGEST}s", self._map, 0, self._beats, len(name), name)

    def read(self) -> tuple[int, str]:
        """How often it was marked, and the run of the last time."""
        try:
            beats, length, name = struct.unpack_from(f"<QI{LONGEST}s", self._map or bytes(SIZE))
        except ValueError:  # closed by another thread in between
            return 0, ""
        return beats, name[:length].decode(errors="replace")

    @property
    def blind(self) -> bool:
        return self._map is None

    def close(self) -> None:
        if self._map is not None:
            self._map.close()
            self._map = None
        if self.path:
            with contextlib.suppress(OSError):
                os.unlink(self.path)
