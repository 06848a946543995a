"""A file that has been read is no longer in Streamlit's memory."""

from __future__ import annotations

from types import SimpleNamespace

from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import DeletedFile, UploadedFile, UploadedFileRec

from ui.streamlit_compat import uploads


def test_reading_an_upload_frees_that_file_and_no_other(monkeypatch):
    manager = MemoryUploadedFileManager("/upload")
    records = [UploadedFileRec(name, f"{name}.csv", "text/csv", b"1,2") for name in ("mine", "other")]
    for record in records:
        manager.add_file("me", record)
    context = SimpleNamespace(uploaded_file_mgr=manager, session_id="me")
    monkeypatch.setattr(uploads, "get_script_run_ctx", lambda: context)
    assert uploads.read_and_free(UploadedFile(records[0], FileURLs())) == b"1,2"
    assert manager.get_files("me", ["mine", "other"]) == [records[1]]


def test_a_file_that_was_freed_counts_as_none(monkeypatch):
    file = UploadedFile(UploadedFileRec("a", "a.csv", "text/csv", b"1,2"), FileURLs())
    boxes = {"full": file, "empty": None, "repeated": DeletedFile("a")}
    monkeypatch.setattr(uploads.st, "session_state", boxes)
    assert [uploads.uploaded(key) for key in boxes] == [file, None, None]
