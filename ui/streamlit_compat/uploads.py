"""Uploaded files: read once, then freed. Streamlit would keep them until the session ends."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import DeletedFile


def uploaded(key: str) -> Any | None:
    """The file in an upload box; None if there is none, and where a late message repeats one that has been freed."""
    upload = st.session_state[key]
    return None if isinstance(upload, DeletedFile) else upload


def read_and_free(upload: Any) -> bytes:
    """The content of an uploaded file. Its widget must get a new key, because the file is gone."""
    content = upload.getvalue()
    context = get_script_run_ctx()
    if context and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(session_id=context.session_id, file_id=upload.file_id)
    return content
