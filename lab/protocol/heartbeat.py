"""What a worker process shows without being asked: that it is alive, and whose run it is busy with.

A few bytes of a file that both processes map, so a worker that hangs or is killed cannot keep it from being read.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import tempfile

SIZE_BYTES = 64
MAX_NAME_BYTES = SIZE_BYTES - 12  # of a run's name


class Heartbeat:
    """The server creates one, the worker opens it by its path. Where the file cannot be created it is blind."""

    def __init__(self, path: str = "") -> None:
        self.path, self._beats, self._map = path, 0, None
        try:
            if not path:
                file, self.path = tempfile.mkstemp(prefix="playground-")
                os.write(file, bytes(SIZE_BYTES))
            else:
                file = os.open(path, os.O_RDWR)
            try:
                self._map = mmap.mmap(file, SIZE_BYTES)
            finally:
                os.close(file)
        except OSError:
            self.path = ""

    def mark(self, run: str = "") -> None:
        """Alive, and from now on busy with this run."""
        if self._map is not None:
            self._beats += 1
            name = run.encode(errors="replace")[:MAX_NAME_BYTES]
            struct.pack_into(f"<QI{MAX_NAME_BYTES}s", self._map, 0, self._beats, len(name), name)

    def read(self) -> tuple[int, str]:
        """The number of marks, and the run of the last one."""
        try:
            beats, length, name = struct.unpack_from(f"<QI{MAX_NAME_BYTES}s", self._map or bytes(SIZE_BYTES))
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
