"""What becomes of a file that a visitor sends: read once, and Streamlit's copy of it freed."""

from __future__ import annotations

from typing import Any

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx


def taken(upload: Any) -> bytes:
    """The content of an uploaded file, whose box is emptied by a new key; Streamlit would keep it with the session."""
    content = upload.getvalue()
    context = get_script_run_ctx()
    if context and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(session_id=context.session_id, file_id=upload.file_id)
    return content
