"""Headers, the pace of frames, the numbers for Prometheus, the words of the line: the server beside the page."""

from __future__ import annotations

import asyncio
import gzip
import json
import posixpath
import re
import tomllib
from concurrent.futures import ThreadPoolExecutor
from graphlib import TopologicalSorter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.datastructures import Headers as Read
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from lab.server.pool import WorkerPool
from ui.components import FILES, VERSION, modules, script
from ui.playground import live_view
from ui.server import metrics
from ui.server.headers import ALWAYS, ANCESTORS, POLICY, Headers, ancestors
from ui.server.preloads import PRELOADED, Preloads
from ui.server.static_assets import CachedStreamlitAssets, component_file
from ui.server.traffic import FASTEST_MS, SLOWEST_MS, Traffic
from ui.session.waiting import COOKIE, TOO_MANY, sentence
from ui.streamlit_compat.frontend_files import FRONTEND_FILES, INDEX

ROOT = Path(__file__).parents[3]


def get(answer=None, host="school.example", scheme="http", cookie=""):
    """The headers of an answer that has passed through the middleware."""
    messages = []

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        messages.append(message)

    headers = [(b"host", host.encode("latin1")), (b"cookie", cookie.encode())]
    scope = {"type": "http", "method": "GET", "path": "/", "scheme": scheme, "headers": headers, "query_string": b""}
    page = Headers(answer or HTMLResponse("<p>page</p>"))
    with ThreadPoolExecutor(1) as apart:  # this thread may hold the event loop of a browser
        apart.submit(lambda: asyncio.run(page(scope, receive, send))).result()
    return Read(raw=messages[0]["headers"])


def test_a_page_comes_with_a_policy_and_a_word_of_its_own():
    first = get()
    for name, value in ALWAYS.items():
        assert first[name] == value
    policy = dict(part.split(" ", 1) for part in first["content-security-policy"].split("; "))
    assert policy.keys() == POLICY.keys()
    assert policy["default-src"] == "'self'"
    assert policy["connect-src"] == "'self' ws://school.example wss://school.example"
    assert policy["frame-ancestors"] == "*"
    assert re.fullmatch(rf"{COOKIE}=[\w-]{{22}}; Path=/; Max-Age=\d+; HttpOnly; SameSite=Lax", first["set-cookie"])
    assert "set-cookie" not in get(cookie=f"a=b; {COOKIE}=c")  # it keeps the one that it has
    assert get()["set-cookie"] != first["set-cookie"]
    assert "; Secure" in get(scheme="https")["set-cookie"]


def test_no_page_around_this_one_may_control_it():
    assert tomllib.loads((ROOT / ".streamlit/config.toml").read_text())["client"]["allowedOrigins"] == []


def test_what_the_page_takes_passes_the_nginx_before_it():
    """A form needs some kilobytes beside the file; what is larger than both is refused by nginx with a bare page."""
    limit = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())["server"]["maxUploadSize"]
    (body,) = re.findall(r"client_max_body_size (\d+)m;", (ROOT / "docs/nginx.conf").read_text())
    assert limit < int(body) < 1.1 * limit


def test_other_answers_have_neither_policy_nor_word():
    answer = get(JSONResponse({}, headers={"X-Content-Type-Options": "nosniff"}))
    assert answer.getlist("x-content-type-options") == ["nosniff"]
    assert not {"content-security-policy", "set-cookie"} & set(answer)


@pytest.mark.parametrize("host", ["evil; script-src *", "a b", "x,y", "<script>", "h\t"])
def test_a_host_that_is_none_adds_nothing_to_the_policy(host):
    policy = get(host=host)["content-security-policy"]
    assert "connect-src 'self' ;" in policy
    assert host not in policy


@pytest.mark.parametrize("text", ["'none'", "'self' https://*.school.example:8443", "https://moodle.example/"])
def test_who_may_frame_the_page_can_be_chosen(text, monkeypatch):
    monkeypatch.setenv(ANCESTORS, text)
    assert f"frame-ancestors {text}" in get()["content-security-policy"]


@pytest.mark.parametrize("text", ["*; script-src *", "a\nb", "https://x,https://y", '"x"', "ex\u00e4mple"])
def test_another_rule_in_its_place_is_refused(text):
    with pytest.raises(ValueError, match=r"PLAYGROUND_FRAME_ANCESTORS: .* is not allowed; allowed: 'none'"):
        ancestors({ANCESTORS: text})


def fetched(name: str, version: str, accepts: str = "gzip"):
    """What a browser gets from live/VERSION/NAME."""
    headers = [(b"accept-encoding", accepts.encode())]
    request = Request({"type": "http", "headers": headers, "path_params": {"name": name, "version": version}})
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(lambda: asyncio.run(component_file(request))).result()


ENTRIES = [
    "runs/table.js",
    "live/live.js",
    "charts/charts.js",
    "images/images.js",
    "page/page_keys.js",
    "page/page_frame.js",
    "page/copy_button.js",
    "page/thumbnails.js",
]


@pytest.mark.parametrize("name", FILES)
def test_every_module_and_style_sheet_is_served_as_it_is(name):
    answer = fetched(name, VERSION)
    text = FILES[name].read_bytes()
    assert gzip.decompress(answer.body) == fetched(name, VERSION, "identity").body == text
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/javascript" if name.endswith(".js") else "text/css")
    assert "immutable" in answer.headers["cache-control"]


def test_a_module_of_another_version_is_not_cached():
    assert "cache-control" not in fetched("live/live.js", "000000000000").headers


@pytest.mark.parametrize(
    "name", ["../app.py", "live/../../app.py", "/etc/passwd", "__init__.py", "live.js", "live", "", "live//live.js"]
)
def test_what_is_no_file_of_a_component_is_not_found(name):
    assert fetched(name, VERSION).status_code == 404


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_component_asks_for_all_its_modules_at_once(entry):
    """Without this list a browser would need one round trip for each level of imports."""
    names = modules(entry)
    assert names[0] == entry
    assert len(names) == len(set(names))
    imported = {name for module in names for name in imports(module)}
    assert imported <= set(names)
    assert f"live/{VERSION}/" in script(entry, served=True)
    assert json.dumps(names) in script(entry, served=True)


def with_preloads(answer: Response, method: str = "GET") -> tuple[dict[str, str], bytes]:
    """The headers and the body of an answer."""
    sent: list[dict[str, Any]] = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": "/", "headers": []}
    with ThreadPoolExecutor(1) as apart:
        apart.submit(lambda: asyncio.run(Preloads(answer)(scope, None, send))).result()
    return dict(MutableHeaders(raw=sent[0]["headers"])), b"".join(each.get("body", b"") for each in sent)


def test_a_page_asks_early_for_what_its_picture_needs_but_after_streamlits_scripts():
    text = INDEX.read_text(encoding="utf-8")
    headers, body = with_preloads(HTMLResponse(text, headers={"ETag": "x"}))
    page = body.decode()
    named = re.findall(r'<(?:script|link)[^>]*(?:src|href)="\./((?:static/js|live)/[^"]+)"', page)
    assert int(headers["content-length"]) == len(body)
    assert "etag" not in headers  # it would be that of a page without these names
    assert len(named) == len(set(named))
    assert named[-len(PRELOADED) :] == PRELOADED
    assert {f"live/{VERSION}/{name}" for name in modules("live/live.js")} < set(PRELOADED)
    assert {name.partition("static/")[2] for name in named if name.startswith("static")} <= set(FRONTEND_FILES)
    assert {name.split("/")[-1].split(".")[0] for name in PRELOADED} > {"BidiComponent", "Html"}
    zipped = HTMLResponse(gzip.compress(text.encode()), headers={"Content-Encoding": "gzip"})
    assert gzip.decompress(with_preloads(zipped)[1]) == body


def test_what_is_no_page_is_left_as_it_is():
    page = HTMLResponse("<head></head>")
    assert with_preloads(page, "HEAD")[1] == b"<head></head>"
    assert with_preloads(HTMLResponse("<head></head>", 404))[1] == b"<head></head>"
    assert with_preloads(JSONResponse({}))[1] == b"{}"


def imports(module: str) -> list[str]:
    """The modules that a module names, read more loosely than `modules` does."""
    found = re.findall(r"""\bfrom\s*['"]([^'"]+)['"]""", FILES[module].read_text(encoding="utf-8"))
    return [posixpath.normpath(posixpath.join(posixpath.dirname(module), path)) for path in found]


def test_every_module_belongs_to_a_component():
    scripts = {name for name in FILES if name.endswith(".js")}
    assert {name for entry in ENTRIES for name in modules(entry, dynamic=True)} == scripts


def test_modules_do_not_import_each_other_in_a_circle():
    TopologicalSorter({name: imports(name) for name in FILES if name.endswith(".js")}).prepare()


def test_without_routes_a_component_brings_its_modules_along():
    text = script("live/live.js", served=False)
    names = modules("live/live.js", dynamic=True)
    assert f"live/{VERSION}" not in text
    assert all(json.dumps(FILES[name].read_text(encoding="utf-8")) in text for name in names)
    assert "live/extras.js" in names


def test_what_the_first_picture_does_not_need_is_fetched_after_it():
    later = set(modules("live/live.js", dynamic=True)) - set(modules("live/live.js"))
    assert {"live/extras.js", "live/panels/chart.js", "shared/plotly.js", "shared/save.js"} < later


@pytest.mark.parametrize("base", ["", "/school"])
def test_only_streamlits_own_scripts_are_served_from_memory(base):
    async def other(scope, receive, send):
        await HTMLResponse("left to it")(scope, receive, send)

    def body(path, method="GET"):
        parts = []

        async def send(message):
            parts.append(message.get("body", b""))

        scope = {"type": "http", "method": method, "path": base + path, "headers": []}
        with ThreadPoolExecutor(1) as apart:
            apart.submit(lambda: asyncio.run(CachedStreamlitAssets(other)(scope, None, send))).result()
        return b"".join(parts)

    name = next(name for name in FRONTEND_FILES if name.endswith(".js"))
    assert body(f"/static/{name}") == FRONTEND_FILES[name].read_bytes()
    for path in ("/", "/static/", "/static/js/none.js", "/static/../index.html", f"/static/./{name}"):
        assert body(path) == b"left to it"
    assert body(f"/static/{name}", "POST") == b"left to it"


class Slept(list):
    """Replaces the module `time`: sleeping takes no time."""

    def __init__(self, act=lambda times: None):
        self.act = act

    def sleep(self, seconds):
        self.append(seconds)
        self.act(len(self))

    def monotonic(self):
        return sum(self)


@pytest.mark.parametrize(
    ("comes", "waited"),
    [(3, 3 * live_view.POLL_S + live_view.PAINT_S), (10**9, live_view.MAX_WAIT_S + live_view.PAINT_S)],
)
def test_the_controls_wait_for_the_picture_once_and_not_forever(monkeypatch, comes, waited):
    notes, traffic = {}, Traffic()
    time = Slept(lambda times: times == comes and traffic.enter("mine", 1))
    monkeypatch.setattr(live_view, "time", time)
    monkeypatch.setattr(live_view, "TRAFFIC", traffic)
    for name, value in {"notes": lambda: notes, "token": lambda: "mine"}.items():
        monkeypatch.setattr(live_view.state, name, value)
    monkeypatch.setattr(live_view.state, "runs", lambda: SimpleNamespace(live=True))
    live_view.picture_first()
    assert sum(time) == pytest.approx(waited, abs=2 * live_view.POLL_S)
    live_view.picture_first()
    assert sum(time) == pytest.approx(waited, abs=2 * live_view.POLL_S)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def crowd(number, seconds=0.001):
    traffic = Traffic(Clock())
    for socket in range(number):
        traffic.answered(socket, seconds)
    return traffic


def test_the_rate_falls_for_all_alike_when_many_look():
    intervals = [crowd(number).interval(330, 1000) for number in (0, 1, 5, 10, 30, 40, 100, 200, 3000)]
    assert intervals == [FASTEST_MS, FASTEST_MS, FASTEST_MS, 30, 90, 100, 100, 200, SLOWEST_MS]


def test_the_rate_falls_when_frames_take_long():
    assert crowd(200, 0.4).interval(1e6, 1e6) > 500
    assert crowd(200, 0.05).interval(1e6, 1e6) == FASTEST_MS


def test_who_has_not_asked_lately_does_not_count():
    traffic = crowd(60)
    assert traffic.present == 60
    assert traffic.interval(330, 330) == 190
    traffic.clock.now = 10.0
    assert traffic.present == 0
    assert traffic.interval(330, 330) == FASTEST_MS


def test_a_run_has_so_many_sockets_and_no_more():
    traffic = Traffic()
    assert [traffic.enter("a", 2) for _ in range(3)] == [True, True, False]
    assert traffic.enter("b", 2)
    traffic.leave("a", 1)
    assert traffic.enter("a", 2)
    for socket in (1, 2):
        traffic.leave("a", socket)
    traffic.leave("b", 3)
    assert (dict(traffic.sockets), traffic.asked, traffic.turned_away) == ({}, {}, 1)


def test_metrics_are_what_prometheus_reads():
    health = {"workers": {"alive": 2, "restarts": 3}, "trainers": {"running": 4, "paused": 5}}
    lines = metrics.text(metrics.samples(WorkerPool(1), health, crowd(7))).splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values['playground_trainers{state="running"}'] == "4"
    assert values['playground_trainers{state="paused"}'] == "5"
    assert values["playground_worker_restarts_total"] == "3"
    assert values["playground_sockets"] == "7"
    assert {"playground_sessions", "playground_frames_total", "playground_queue"} <= values.keys()
    assert sum(line.startswith("# TYPE playground_trainers ") for line in lines) == 1
    rule = r"# (HELP|TYPE) playground_\w+ .+|playground_\w+(\{\w+=\"\w+\"\})? [\d.e+-]+"
    assert all(re.fullmatch(rule, line) for line in lines)


def test_who_waits_is_told_how_many_come_first():
    assert sentence(0).startswith("The playground is full. You are next.")
    assert sentence(12).startswith("The playground is full. 12 ahead of you. This page opens by itself")
    assert sentence(-1) == TOO_MANY
