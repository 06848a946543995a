"""The store that a process uses, opened when it is first needed."""

from __future__ import annotations

import threading

from lab.server.limits import limits
from lab.store.database import StoreError
from lab.store.store import Bounds, Store

_lock = threading.Lock()
_opened: Store | None = None


def shared() -> Store:
    """Raises StoreError where this server keeps no runs, and where the database cannot be opened now."""
    global _opened
    with _lock:
        if _opened is None:
            bounds = limits()
            if not bounds.kept_mb:
                raise StoreError("This server keeps no runs.")
            _opened = Store("", Bounds(int(bounds.kept_runs), bounds.kept_mb, bounds.kept_days))
        return _opened


def close() -> None:
    """The next `shared` opens it again."""
    global _opened
    with _lock:
        if _opened:
            _opened.close()
        _opened = None
