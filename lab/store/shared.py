"""The store that a process uses, opened when it is first needed: its libraries take 25 MB."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from lab.server.limits import limits
from lab.store.address import ENVIRONMENT, StoreError, usual_file

if TYPE_CHECKING:
    from lab.store.store import Store

_lock = threading.Lock()
_opened: Store | None = None


def shared() -> Store:
    """Raises StoreError where this server keeps no runs, and where the database cannot be opened now."""
    global _opened
    with _lock:
        if _opened is None:
            from lab.store.store import Bounds, Store

            bounds = limits()
            if not bounds.kept_mb:
                raise StoreError("This server keeps no runs.")
            _opened = Store(
                "", Bounds(int(bounds.kept_runs), bounds.kept_mb, bounds.kept_days, int(bounds.kept_studies))
            )
            _opened.prune()
        return _opened


def exists() -> bool:
    """Whether anybody may have kept a run or set a rule; if not, there is no need to open the store."""
    return _opened is not None or ENVIRONMENT in os.environ or usual_file().exists()


def close() -> None:
    """The next `shared` opens it again."""
    global _opened
    with _lock:
        if _opened:
            _opened.close()
        _opened = None
