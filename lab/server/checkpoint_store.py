"""Checkpoints on disk, so that a visitor's run outlives the server: bounded in size and age, and never pickled.

A file is found again by who comes and what experiment the link asks for, both through a hash: neither a name nor a path
of a visitor's is ever used. What cannot be written or read is counted, logged and otherwise as if it had not been kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lab.protocol.frames import FrameError, pack, unpack
from lab.protocol.messages import STATUSES
from lab.server.log import log

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

SUFFIX = ".bpf"

Checkpoint = tuple[dict[str, Any], dict[str, np.ndarray]]


def usual_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """PLAYGROUND_STATE, or a folder among the user's caches."""
    if given := environment.get("PLAYGROUND_STATE"):
        return Path(given)
    cache = environment.get("XDG_CACHE_HOME")
    try:
        return (Path(cache) if cache else Path.home() / ".cache") / "backprop-playground"
    except RuntimeError:  # no home
        return Path(tempfile.gettempdir()) / "backprop-playground"


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[bool]:
    """Whether no other server uses the folder, and none can meanwhile. The system ends the claim with the process.

    Two servers would hand out each other's runs. Where the folder or the system allows no claim, it is not asked for.
    """
    file = None
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            folder.mkdir(0o700, parents=True, exist_ok=True)
            file = stack.enter_context((folder / "in-use").open("w"))
        try:
            if fcntl and file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log("saved runs belong to another server; this one saves nothing")
            yield False
            return
        except OSError:  # a file system without locks
            pass
        yield True


class Store:
    """One folder. A checkpoint that this very server wrote belongs to a run of now, and is not handed out: two tabs of
    one visitor each have their own run. What an earlier server left, or `put` with `free`, is handed out once."""

    def __init__(self, folder: Path, most_mb: float, most_hours: float) -> None:
        self.folder, self._most_bytes, self._most_seconds = folder, most_mb * 1e6, most_hours * 3600
        self._life = secrets.token_hex(8)
        self._free: set[str] = set()
        self._taken: set[str] = set()
        self.failures = 0
        with contextlib.suppress(OSError):
            folder.mkdir(0o700, parents=True, exist_ok=True)

    def put(
        self, visitor: str, experiment: str, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray], free: bool
    ) -> bool:
        """Whether it is kept now: wholly or not at all, the one before stays until then."""
        path = self._path(visitor, experiment)
        header = {name: facts[name] for name in ("speed", "status", "epoch")} | {"life": self._life}
        part = path.with_suffix(f".{secrets.token_hex(4)}.part")
        try:
            content = pack(header, arrays)
            if len(content) > self._most_bytes:
                return False
            part.write_bytes(content)
            part.replace(path)
        except OSError as problem:
            with contextlib.suppress(OSError):
                part.unlink()
            self.failures += 1
            log("not saved", reason=problem.strerror or type(problem).__name__, failures=self.failures)
            return False
        (self._free.add if free else self._free.discard)(path.name)
        self._taken.discard(path.name)
        self._prune()
        return True

    def take(self, visitor: str, experiment: str) -> Checkpoint | None:
        """The facts (speed, status, epoch) and arrays of a run that nobody has now."""
        path = self._path(visitor, experiment)
        try:
            if time.time() - path.stat().st_mtime > self._most_seconds:
                return None
            facts, arrays = unpack(path.read_bytes())
            if facts["status"] not in STATUSES or type(facts["epoch"]) is not int or type(facts["speed"]) is not str:
                raise FrameError("These are no facts of a run.")
        except FileNotFoundError:
            return None
        except (OSError, FrameError, KeyError) as problem:
            self.failures += 1
            log("saved run cannot be read", reason=type(problem).__name__, failures=self.failures)
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        if path.name in self._taken or (facts["life"] == self._life and path.name not in self._free):
            return None
        self._free.discard(path.name)
        self._taken.add(path.name)
        return facts, arrays

    def _path(self, visitor: str, experiment: str) -> Path:
        return self.folder / (hashlib.sha256(f"{visitor}\n{experiment}".encode()).hexdigest()[:40] + SUFFIX)

    def _prune(self) -> None:
        """Too old goes, then the oldest until the rest fits; so do parts that a killed server left."""
        with contextlib.suppress(OSError):
            now, files = time.time(), []
            for path in self.folder.iterdir():
                if path.suffix in (SUFFIX, ".part"):
                    with contextlib.suppress(OSError):
                        files.append((path.stat().st_mtime, path.stat().st_size, path))
            total = 0
            for when, size, path in sorted(files, reverse=True):
                total += size
                part = path.suffix == ".part" and now - when > 60
                if part or now - when > self._most_seconds or total > self._most_bytes:
                    with contextlib.suppress(OSError):
                        path.unlink()
