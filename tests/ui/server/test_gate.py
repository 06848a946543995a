"""What the gate lets through: own pages, clients that are no browser, and uploads as long as there is room."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.responses import PlainTextResponse

from ui.server.gate import FOREIGN, FULL, LENGTH, MALFORMED, STALLED, TOO_MUCH, Gate
from ui.streamlit_compat import server
from ui.streamlit_compat.server import UPLOAD_PATH

HOST = "school.example:8501"
PASSED = (200, "page")
FOREIGN_ORIGINS = ["http://elsewhere.example", "null", "", "http://[::1", f"ftp://{HOST}", "http://school.example",
                   "http://localhost:8501", f"http://{HOST}.elsewhere.example", "http://[::1]"]  # fmt: skip
MALFORMED_HOSTS = ["", "a b", "school.example:port", "<script>", ["a.example", "b.example"], "a@b", "a/b"]


def ask(gate: Gate, method="GET", path="/", kind="http", receive=None, **headers) -> tuple[int, str]:
    """The status and the text of the answer; of a handshake 200 where it is passed on, else 403."""
    headers = {"host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
    pairs = [(name.encode(), one.encode()) for name, values in headers.items() for one in
             (values if isinstance(values, list) else [values])]  # fmt: skip
    scope = {"type": kind, "path": path, "headers": pairs, "query_string": b""}
    scope |= {"method": method} if kind == "http" else {}
    messages: list[dict] = []

    async def nothing():
        return {"type": f"{kind}.request"}

    async def send(message):
        messages.append(message)

    with ThreadPoolExecutor(1) as apart:  # this thread may hold the event loop of a browser
        apart.submit(lambda: asyncio.run(gate(scope, receive or nothing, send))).result()
    if kind == "websocket":
        return (200, "page") if messages == [{"type": "websocket.accept"}] else (403, "")
    return messages[0]["status"], messages[1]["body"].decode()


async def app(scope, receive, send) -> None:
    if scope["type"] == "websocket":
        return await send({"type": "websocket.accept"})
    await PlainTextResponse("page")(scope, receive, send)


def gate(**held: int) -> Gate:
    return Gate(app, lambda: held)


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_foreign_page_is_refused_before_the_app_sees_it(origin):
    assert ask(gate(), kind="websocket", origin=origin) == (403, "")
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert ask(gate(), method, origin=origin) == FOREIGN
    assert ask(gate(), "GET", origin=origin) == PASSED  # it cannot be read there, and does nothing


def test_own_pages_and_clients_without_an_origin_pass():
    for origin in (f"http://{HOST}", f"https://{HOST}", f"http://{HOST.upper()}"):
        assert ask(gate(), kind="websocket", origin=origin) == PASSED
        assert ask(gate(), "PUT", origin=origin) == PASSED
    assert ask(gate(), kind="websocket") == ask(gate(), "PUT") == PASSED
    assert ask(gate(), kind="websocket", host="[::1]:8501", origin="http://[::1]:8501") == PASSED


def test_an_origin_of_the_configuration_passes(monkeypatch):
    other = "https://course.example"
    monkeypatch.setattr("ui.server.gate.allowed_origins", lambda: [other])
    assert ask(gate(), kind="websocket", origin=other) == PASSED
    assert ask(gate(), kind="websocket", origin=[other, f"http://{HOST}"]) == (403, "")


@pytest.mark.parametrize("host", MALFORMED_HOSTS)
def test_a_malformed_host_is_refused(host):
    assert ask(gate(), host=host) == MALFORMED
    assert ask(gate(), kind="websocket", host=host) == (403, "")


def test_uploads_are_taken_as_long_as_there_is_room():
    path, megabyte = f"{UPLOAD_PATH}me/file", 1_000_000
    put = lambda size, **held: ask(gate(**held), "PUT", path, content_length=size)  # noqa: E731
    assert put("49000000") == put("49000000", me=120 * megabyte) == put("0", me=170 * megabyte) == PASSED
    assert put("49000000", me=122 * megabyte) == TOO_MUCH
    assert put("49000000", others=790 * megabyte, me=10 * megabyte) == PASSED
    assert put("49000000", others=802 * megabyte) == FULL
    assert ask(gate(others=802 * megabyte), "GET", path) == PASSED
    for length in ("-1", "1e3", "many", "9" * 20, "１"):
        assert put(length.encode().decode("latin-1")) == LENGTH


def test_uploads_on_their_way_count_too():
    busy = Gate(app, dict)
    busy.arriving["me"] = 100_000_000
    path = f"{UPLOAD_PATH}me/file"
    assert ask(busy, "PUT", path) == TOO_MUCH  # without a length it may be as large as any
    assert ask(busy, "PUT", path.replace("me", "other")) == PASSED
    assert busy.arriving == {"me": 100_000_000}


def test_an_upload_that_stops_on_its_way_gives_its_room_back(monkeypatch):
    async def reads(scope, receive, send):
        while (await receive())["more_body"]:
            pass

    async def half():
        return parts.pop() if parts else await asyncio.Event().wait()

    monkeypatch.setattr("ui.server.gate.STALLED_S", 0.01)
    parts = [{"type": "http.request", "body": b"x", "more_body": True}]
    busy = Gate(reads, dict)
    assert ask(busy, "PUT", f"{UPLOAD_PATH}me/file", receive=half) == STALLED
    assert busy.arriving == {}


def test_what_streamlit_holds_is_counted_by_session(monkeypatch):
    from streamlit.runtime import Runtime
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
    from streamlit.runtime.uploaded_file_manager import UploadedFileRec

    assert server.uploaded_bytes() == {}  # without a server
    manager = MemoryUploadedFileManager("/upload")
    for session, file, size in (("a", "1", 3), ("a", "2", 4), ("b", "1", 5)):
        manager.add_file(session, UploadedFileRec(file, "x.csv", "text/csv", b"x" * size))
    running = type("Running", (), {"_uploaded_file_mgr": manager})()
    monkeypatch.setattr(Runtime, "exists", lambda: True)
    monkeypatch.setattr(Runtime, "instance", lambda: running)
    assert server.uploaded_bytes() == {"a": 7, "b": 5}
