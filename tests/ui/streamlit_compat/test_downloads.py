"""Generated downloads are bounded for a session and in all; one that was asked for can be fetched."""

from __future__ import annotations

import itertools

import pytest
from streamlit.runtime import media_file_manager
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from ui.streamlit_compat import downloads


class Page:
    """A session with a download button whose file is another one at each press."""

    def __init__(self, manager, monkeypatch, session="me", size=1000):
        self.manager, self.session = manager, session
        monkeypatch.setattr(media_file_manager, "_get_session_id", lambda: session)
        numbers = itertools.count()
        make = lambda: f"{session} {next(numbers):6d}".encode().ljust(size)  # noqa: E731
        self.button = manager.add_deferred(make, "text/csv", "button", "a.csv")

    def press(self) -> str:
        """The name of the generated file."""
        return self.manager.execute_deferred(self.button).split("/")[-1]


@pytest.fixture
def manager(monkeypatch):
    monkeypatch.setattr(MediaFileManager, "execute_deferred", MediaFileManager.execute_deferred)
    monkeypatch.setattr(downloads, "SESSION_BYTES", 2500)
    monkeypatch.setattr(downloads, "ALL_BYTES", 5500)
    downloads.install()
    return MediaFileManager(MemoryMediaFileStorage("/media"))


def kept(manager, names) -> list[bool]:
    return [manager.read_file(name) is not None for name in names]


def test_the_latest_downloads_of_a_session_are_kept(manager, monkeypatch):
    page = Page(manager, monkeypatch)
    names = [page.press() for _ in range(60)]
    assert kept(manager, names) == [False] * 57 + [True] * 3


def test_a_large_download_is_kept_until_the_next_one(manager, monkeypatch):
    page = Page(manager, monkeypatch, size=10_000)
    names = [page.press() for _ in range(2)]
    assert kept(manager, names) == [False, True]


def test_a_pressed_download_arrives_whatever_other_sessions_do(manager, monkeypatch):
    name = Page(manager, monkeypatch).press()
    for _ in range(5):
        manager.remove_orphaned_files()  # as at the end of each script run of anybody
    assert kept(manager, [name]) == [True]
    manager.clear_session_refs("me")  # as when its own script begins
    manager.remove_orphaned_files()
    manager.remove_orphaned_files()
    assert kept(manager, [name]) == [False]


def test_all_sessions_together_are_bounded(manager, monkeypatch):
    names = [Page(manager, monkeypatch, session=f"visitor {number}").press() for number in range(20)]
    assert kept(manager, names) == [False] * 15 + [True] * 5


def test_an_equal_file_of_another_session_stays(manager, monkeypatch):
    monkeypatch.setattr(downloads, "SESSION_BYTES", 0)
    for session in ("me", "you"):
        monkeypatch.setattr(media_file_manager, "_get_session_id", lambda session=session: session)
        contents = iter((b"the same", b"another" + session.encode()))
        button = manager.add_deferred(lambda contents=contents: next(contents), "text/csv", "button")
        name = manager.execute_deferred(button).split("/")[-1]
        if session == "me":
            first = button
    manager.execute_deferred(first)
    assert kept(manager, [name]) == [True]


def test_a_session_that_has_ended_holds_nothing(manager, monkeypatch):
    page = Page(manager, monkeypatch)
    manager.clear_session_refs("me")
    name = page.press()
    manager.remove_orphaned_files()
    manager.remove_orphaned_files()
    assert kept(manager, [name]) == [False]
