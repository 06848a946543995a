"""Generated downloads: few are kept for each session, and one that was asked for stays until it can be fetched.

Streamlit keeps what a download button has generated until script runs end, of any session: nothing bounds how many are
made before, and in a class one may be gone before its browser has asked for it.
"""

from __future__ import annotations

import inspect
from functools import wraps

from streamlit.runtime.media_file_manager import MediaFileManager

SESSION_BYTES = 20e6  # of earlier downloads beside the newest
ALL_BYTES = 300e6  # of all sessions; then the oldest goes


class PendingDownloads:
    """The generated files that a manager keeps for its sessions, the oldest first."""

    def __init__(self) -> None:
        self._sizes: dict[tuple[str, str], int] = {}  # (session, file) -> bytes

    def keep(self, manager: MediaFileManager, session: str, file: str) -> None:
        """Refer to a new file until the session's next script run, and let go of older ones."""
        with manager._lock:
            self._sizes = {key: size for key, size in self._sizes.items() if _is_kept(manager, *key)}
            content = manager.read_file(file)
            if content is None or session not in manager._files_by_session_and_coord:  # the session has ended
                return
            manager._files_by_session_and_coord[session][_place(file)] = file
            self._sizes.pop((session, file), None)
            older = dict(self._sizes)
            self._sizes[session, file] = content.content_size
            own = sum(size for key, size in older.items() if key[0] == session)
            total = sum(self._sizes.values())
            for key, size in older.items():
                if total > ALL_BYTES or (key[0] == session and own > SESSION_BYTES):
                    self._drop(manager, *key)
                    total -= size
                    own -= size if key[0] == session else 0

    def _drop(self, manager: MediaFileManager, session: str, file: str) -> None:
        del self._sizes[session, file]
        del manager._files_by_session_and_coord[session][_place(file)]
        if file in manager._get_inactive_file_ids():
            manager._delete_file(file)


def _place(file: str) -> str:
    """Stands for the coordinates of an element that shows the file."""
    return f"generated {file}"


def _is_kept(manager: MediaFileManager, session: str, file: str) -> bool:
    return _place(file) in manager._files_by_session_and_coord.get(session, {})


def install() -> None:
    """Patch Streamlit in this process; calling it again forgets what is pending."""
    original, pending = inspect.unwrap(MediaFileManager.execute_deferred), PendingDownloads()

    @wraps(original)
    def execute_deferred(self: MediaFileManager, file_id: str) -> str:
        deferred = self._deferred_callables.get(file_id)
        url = original(self, file_id)
        if deferred:
            pending.keep(self, deferred["session_id"], url.rsplit("/", 1)[-1].split(".")[0])
        return url

    MediaFileManager.execute_deferred = execute_deferred
