"""Streamlit's server: the sessions and uploads that it keeps, and a message by which one visitor disturbs all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from streamlit import config
from streamlit.runtime import Runtime, memory_session_storage
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.web.server.starlette.starlette_routes import BASE_ROUTE_UPLOAD_FILE

UPLOAD_PATH = f"/{BASE_ROUTE_UPLOAD_FILE}/"  # before a session and a file
MAX_SESSIONS = 1000  # that wait for their browsers to come back; Streamlit keeps 128, less than three classes


def install() -> None:
    """Patch Streamlit in this process, before its server starts."""
    memory_session_storage.MemorySessionStorage = partial(MemorySessionStorage, maxsize=MAX_SESSIONS)  # pyrefly: ignore
    # Any browser can send this message. It would clear the caches of all visitors, and with them who is here.
    AppSession._handle_clear_cache_request = lambda self: None


def end_old_sessions() -> None:
    """End the sessions whose time is over, and free their uploads; Streamlit waits until another one disconnects.

    Call it on the thread of the event loop.
    """
    if Runtime.exists():
        Runtime.instance()._session_mgr._session_storage._cache.expire()  # pyrefly: ignore


def max_upload_bytes() -> int:
    return config.get_option("server.maxUploadSize") << 20


def allowed_origins() -> Sequence[str]:
    """Of further pages that may use this server, from its configuration."""
    return config.get_option("server.corsAllowedOrigins") or ()


def uploaded_bytes() -> dict[str, int]:
    """The bytes of the uploads that each session holds."""
    if not Runtime.exists():
        return {}
    manager = Runtime.instance()._uploaded_file_mgr
    assert isinstance(manager, MemoryUploadedFileManager)
    with manager._lock:
        return {
            session: sum(len(file.data) for file in files.values()) for session, files in manager.file_storage.items()
        }
