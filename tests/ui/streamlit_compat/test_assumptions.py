"""Each assumption about Streamlit is checked on the installed version, and fails with a sentence when it is gone.

Those about the document are checked in tests/browser/test_streamlit_contract.py.
"""

from __future__ import annotations

import inspect
import re
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime import caching
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.backend_operation_handler import DeferredFileHandler
from streamlit.runtime.caching.ttl_cache import TTLCache
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import RerunData, RerunException, ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests, ScriptRequestType
from streamlit.runtime.state import SafeSessionState, SessionState
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager
from streamlit.testing.v1 import AppTest
from streamlit.web.server.starlette import starlette_app

from ui.streamlit_compat import frontend_files
from ui.streamlit_compat.assumptions import ASSUMPTIONS, DOCUMENT, PYTHON
from ui.streamlit_compat.dom import Mark

ROOT = Path(__file__).parents[3]
SOURCES = {path for kind in ("py", "js", "css") for path in (ROOT / "ui").rglob(f"*.{kind}")}
MOST_STYLE_LINES = 14
TOKENS = re.compile(
    r"\bst[A-Z]\w+(?:-[a-z]+)?|\[data-stale\]|data-test-[a-z-]+|\btest[A-Z]\w+State\b|--st-|\bst-key-|\bMark\.[A-Z_]+\b"
)


def callbacks_yield() -> bool:
    """The patched method yields before it runs callbacks, and script runs go through it."""

    def interrupt() -> None:
        raise RerunException(RerunData())

    try:
        inspect.unwrap(SafeSessionState.on_script_will_rerun)(SafeSessionState(SessionState(), interrupt), None)
    except RerunException:
        return ".on_script_will_rerun(" in inspect.getsource(ScriptRunner)
    return False


def uploaded_file() -> bool:
    """The server holds uploads in such a manager, and it forgets a file when it is told to."""
    manager = MemoryUploadedFileManager("/upload")
    record = UploadedFileRec("file", "a.csv", "text/csv", b"1,2")
    manager.add_file("session", record)
    manager.remove_file(session_id="session", file_id=UploadedFile(record, FileURLs()).file_id)
    used = "uploaded_file_mgr = MemoryUploadedFileManager(" in inspect.getsource(starlette_app)
    return used and not manager.get_files("session", ["file"])


def frontend_files_named_by_content() -> bool:
    named = re.findall(r'"(?:\./|/)?static/([^"]+)"', frontend_files.INDEX.read_text(encoding="utf-8"))
    known = frontend_files.FRONTEND_FILES
    parts = all(frontend_files.chunks(part) for part in ("BidiComponent", "Html"))
    return bool(named) and parts and all(name in known and re.search(r"\.[\w-]{8}\.\w+$", name) for name in named)


def session_cache() -> bool:
    """The function runs once a connection, and its result is released when the connection ends."""

    def script() -> None:
        import streamlit as st
        from streamlit.runtime.scriptrunner import get_script_run_ctx

        from ui.streamlit_compat.connection import until_disconnected

        log = st.session_state.log

        @until_disconnected(lambda token: log.append(f"{token} left"))
        def arrive(token: str) -> str:
            log.append(f"{token} arrived")
            return token

        arrive("run")
        st.session_state.session = get_script_run_ctx().session_id

    page = AppTest.from_function(script)
    page.session_state.log = []
    page.run().run()
    assert not page.exception
    caching.clear_session_resource_cache(page.session_state.session)
    page.run()
    disconnects = "session.clear_session_caches()" in inspect.getsource(WebsocketSessionManager.disconnect_session)
    return disconnects and page.session_state.log == ["run arrived", "run left", "run arrived"]


def widget_key() -> bool:
    def script() -> None:
        import streamlit as st

        st.number_input("Number", key=st.session_state.key_now)

    page = AppTest.from_function(script)
    page.session_state.key_now = "number"
    page.run().number_input(key="number").set_value(5.0)
    page.session_state.key_now = "number-1"
    page.session_state["number-1"] = 2.0
    return page.run().number_input(key="number-1").value == 2


def clear_cache() -> bool:
    return "_handle_clear_cache_request()" in inspect.getsource(AppSession.handle_backmsg)


def session_storage() -> bool:
    """A session whose time is over is let go of."""
    sessions = MemorySessionStorage(maxsize=3, ttl_seconds=0)
    session = type("Session", (), {"id": "gone"})()
    sessions.save(SimpleNamespace(session=session))
    left = weakref.ref(session)
    del session
    sessions._cache.expire()
    used = "memory_session_storage import MemorySessionStorage" in inspect.getsource(starlette_app.App._create_runtime)
    return used and left() is None


def generated_download() -> bool:
    """A generated file is named after its content in an address, and stays as long as its session refers to it."""
    manager = MediaFileManager(MemoryMediaFileStorage("/media"))
    button = manager.add_deferred(lambda: b"1,2", "text/csv", "button")
    session = manager._deferred_callables[button]["session_id"]
    name = inspect.unwrap(MediaFileManager.execute_deferred)(manager, button).rsplit("/", 1)[-1].split(".")[0]
    manager._files_by_session_and_coord[session]["generated"] = name
    for _ in range(2):
        manager.remove_orphaned_files()
    stays = manager.read_file(name) is not None
    del manager._files_by_session_and_coord[session]["generated"]
    used = ".execute_deferred" in inspect.getsource(DeferredFileHandler)
    return used and stays and manager._get_inactive_file_ids() == {name}


class Session:
    """As much of a session as a message needs; it knows one fragment."""

    _state, _scriptrunner, _client_state = None, None, ClientState()

    def __init__(self) -> None:
        self.runs: list[str | None] = []
        self.values: list[list[str] | None] = []  # of the widgets, for each run

    def has_fragment(self, fragment_id: str) -> bool:
        return fragment_id == "known"

    def _create_scriptrunner(self, initial_rerun_data: RerunData) -> None:
        self.runs.append(initial_rerun_data.fragment_id)
        states = initial_rerun_data.widget_states
        self.values.append(None if states is None else [state.string_value for state in states.widgets])


def one_script_run() -> bool:
    """Messages that come during a script run begin no other, and the press of the first is in what follows it."""
    requests, session = ScriptRequests(), cast(Any, Session())
    requests.request_rerun(RerunData())
    requests.on_scriptrunner_ready()
    session._scriptrunner = requests
    for states in (WidgetStates(widgets=[WidgetState(id="step", trigger_value=True)]), WidgetStates()):
        inspect.unwrap(AppSession.request_rerun)(session, ClientState(widget_states=states))
    waiting = requests.on_scriptrunner_yield()
    if waiting is None or waiting.type is not ScriptRequestType.RERUN:
        return False
    return [state.id for state in waiting.rerun_data.widget_states.widgets] == ["step"]


def gone_fragment() -> bool:
    session: Any = Session()
    for fragment in ("known", "gone", ""):
        inspect.unwrap(AppSession.request_rerun)(session, ClientState(fragment_id=fragment, is_auto_rerun=True))
    return session.runs == ["known", None]


CHECKS: dict[str, Callable[[], bool]] = {
    "callbacks yield": callbacks_yield,
    "one script run": one_script_run,
    "gone fragment": gone_fragment,
    "uploaded file": uploaded_file,
    "clear cache": clear_cache,
    "session storage": session_storage,
    "generated download": generated_download,
    "frontend files": frontend_files_named_by_content,
    "session cache": session_cache,
    "widget key": widget_key,
}


@pytest.mark.parametrize("assumption", PYTHON, ids=lambda assumption: assumption.name)
def test_the_installed_streamlit_keeps_the_assumption(assumption):
    assert CHECKS[assumption.name](), assumption.broken()


@pytest.mark.parametrize(
    ("name", "owner", "attribute", "changed"),
    [
        ("callbacks yield", SafeSessionState, "on_script_will_rerun", lambda *states: None),
        ("one script run", ScriptRequests, "request_rerun", lambda self, new_data: True),
        ("gone fragment", Session, "has_fragment", lambda self, fragment_id: True),
        ("uploaded file", MemoryUploadedFileManager, "remove_file", lambda *file, **names: None),
        ("clear cache", AppSession, "handle_backmsg", lambda self, msg: None),
        ("session storage", TTLCache, "expire", lambda self, at_time=None: []),
        ("generated download", MediaFileManager, "_get_inactive_file_ids", lambda self: set(self._file_metadata)),
        ("frontend files", frontend_files, "FRONTEND_FILES", {}),
        ("session cache", caching, "clear_session_resource_cache", lambda session: None),
    ],
)
def test_a_streamlit_without_it_is_noticed(monkeypatch, name, owner, attribute, changed):
    monkeypatch.setattr(owner, attribute, changed)
    assert not CHECKS[name]()


def tokens(path: Path) -> set[str]:
    """The marks of Streamlit that a source file names, as the table spells them."""
    found = {match.replace("testConnectionState", Mark.CONNECTION_STATE).replace("testScriptState", Mark.SCRIPT_STATE)
             for match in TOKENS.findall(path.read_text(encoding="utf-8"))}  # fmt: skip
    if "of_key(" in path.read_text(encoding="utf-8"):
        found.add(Mark.KEY)
    return {Mark[name.removeprefix("Mark.")].value if name.startswith("Mark.") else name for name in found}


def users(mark: Mark) -> set[str]:
    """The names of the files that use it."""
    inner = re.search(r'"([^"]+)"', mark)
    words = {mark.value, mark.removeprefix("."), inner[1] if inner else mark.value}
    return {path.name for path in SOURCES if path.parent.name != "streamlit_compat" and tokens(path) & words}


def test_every_mark_of_streamlit_in_the_sources_is_in_the_table():
    known = "\n".join(Mark)
    unknown = {
        f"{path.relative_to(ROOT)}: {token}"
        for path in SOURCES
        if path.parent.name != "streamlit_compat"
        for token in tokens(path)
        if token not in known
    }
    assert not unknown, f"Add these to ui/streamlit_compat/dom.py and assumptions.py: {sorted(unknown)}"


@pytest.mark.parametrize("mark", Mark)
def test_the_table_names_the_files_that_use_a_mark(mark):
    (row,) = [assumption for assumption in DOCUMENT if assumption.mark == mark]
    assert set(row.used_in) == users(mark), f"Correct the row {row.name!r} in ui/streamlit_compat/assumptions.py."


def test_few_lines_of_style_depend_on_streamlits_marks():
    mark = re.compile(r"\.st[A-Z]|data-testid|Mark\.(?!KEY)")
    lines = [
        line
        for path in SOURCES
        if path.suffix == ".css" or path.name == "style.py"
        for line in path.read_text(encoding="utf-8").splitlines()
        if mark.search(line)
    ]
    assert len(lines) <= MOST_STYLE_LINES, "Prefer the parameters and the keys of containers:\n" + "\n".join(lines)


def test_no_other_module_imports_from_inside_streamlit():
    private = re.compile(r"^\s*(?:from|import) (streamlit\.(?!components\.v2)[\w.]+)", re.MULTILINE)
    found = {
        f"{path.relative_to(ROOT)}: {module}"
        for path in [*SOURCES, ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "lab").rglob("*.py")]
        if path.suffix == ".py" and path.parent.name != "streamlit_compat"
        for module in private.findall(path.read_text(encoding="utf-8"))
    }
    assert not found, f"Move these to ui/streamlit_compat: {sorted(found)}"


def test_a_broken_assumption_is_told_in_one_sentence():
    assert [row.name for row in ASSUMPTIONS if not re.fullmatch(r"[^\n]{60,}\.", row.broken())] == []
