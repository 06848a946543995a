"""A full server, a lost connection, two tabs, foreign messages and a flood of them: what a visitor sees and keeps."""

from __future__ import annotations

import os
import socket
import urllib.request
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from lab.protocol.messages import CLOSE_BAD_REQUEST, CLOSE_RUN_UNKNOWN, CLOSE_TOO_MANY, MAX_REQUEST_CHARS
from lab.protocol.speed import SPEEDS
from lab.server.limits import limits
from tests.browser.playground import WAIT_S, eventually
from tests.browser.test_faults import QUESTION, ask, connect_live, health

pytestmark = pytest.mark.browser

SESSIONS = int(os.environ.get("TEST_SESSIONS", 5))  # opened by a script; 1000 take some minutes
FLOOD = int(os.environ.get("TEST_FLOOD", 60))  # questions at once
DROPPED = int(os.environ.get("TEST_DROPPED", 1))  # seconds without a connection, at least

GARBAGE = [
    "", "hello", "[]", "null", "{}", "[" * 400, b"\x00", QUESTION.encode(), '{"type": "train"}',
    '{"type": "frame", "build": "1"}', '{"type": "frame", "have": 1.5}', '{"type": "frame", "frame": true}',
    '{"type": "frame", "pad": "' + "x" * MAX_REQUEST_CHARS + '"}',
]  # fmt: skip

CABLE = """{  // pull() closes every socket and prevents new ones until plug()
  const Real = WebSocket, open = new Set();
  let pulled = false;
  window.WebSocket = class extends Real {
    constructor(url, ...more) {
      super(pulled ? String(url).replace(/[^/]*$/, 'nowhere') : url, ...more);
      if (pulled && String(url).includes('live/')) window.tries += 1;
      open.add(this);
    }
  };
  window.pull = () => {
    [pulled, window.tries, window.since] = [true, 0, performance.now()];
    for (const socket of open) socket.close();
    open.clear();
  };
  window.plug = () => { pulled = false; };
}"""
PLANTED = """() => new Promise(refused => {
  const script = document.createElement('script');
  script.src = 'https://elsewhere.example/x.js';
  script.onerror = () => refused(true);
  document.head.append(script);
})"""


def number(server, name: str) -> float:
    with urllib.request.urlopen(server.url + "metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith(f"playground_{name} ")).split()[1])


def test_a_full_server_queues_visitors_and_admits_them_in_order(start, visit):
    forgetful = {"PLAYGROUND_AWAY_SECONDS": "1", "STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": "1"}
    named = {"STREAMLIT_SERVER_ALLOWED_HOSTS": "localhost 127.0.0.1"}
    server = start(PLAYGROUND_RUNS="1", PLAYGROUND_LINE="3", **forgetful, **named)
    first = visit(server.url).open("hidden=4")
    second = visit(server.url)
    second.page.goto(f"{server.url}?dataset=xor&hidden=3")
    second.page.get_by_text("The playground is full. You are next.").wait_for()
    third = second.context.new_page()  # another tab is another visitor
    third.goto(server.url)
    third.get_by_text("The playground is full. 1 ahead of you.").wait_for()
    second.page.bring_to_front()  # a background tab hardly paints
    assert (number(server, "queue"), number(server, "sessions")) == (2, 1)
    first.step(1)  # the visitor inside is not disturbed
    first.page.goto(f"{server.url}healthz")  # leaves the playground
    second.until("facts.frame > 0", 60)
    second.linked(dataset="xor", hidden="3")
    second.step(1)
    third.get_by_text("The playground is full. You are next.").wait_for()

    message = BackMsg()
    message.rerun_script.query_string = ""
    stream = f"{server.url.replace('http', 'ws')}_stcore/stream"
    with ExitStack() as sockets:
        for _ in range(SESSIONS):
            session = sockets.enter_context(
                connect(stream, subprotocols=[Subprotocol("streamlit")], max_size=None, close_timeout=0.1)
            )
            session.send(message.SerializeToString())
        assert eventually(lambda: number(server, "queue") == 3, 30)
        second.step(2)
        assert number(server, "sessions") == 1
        assert health(server)["status"] == "ok"
    second.step(3)
    assert rebound(server) == 403


def rebound(server) -> int:
    """The status code for a page that reaches this server under a foreign host name (DNS rebinding)."""
    port = urlsplit(server.url).port
    address = f"rebound.example:{port}"
    with socket.create_connection(("127.0.0.1", port)) as way, pytest.raises(InvalidStatus) as refused:
        connect(f"ws://{address}/_stcore/stream", sock=way, origin=Origin(f"http://{address}"))
    return refused.value.response.status_code


def test_a_lost_connection_is_restored_with_the_run(visit, server):
    visitor = visit(server.url)
    sent: list[bytes | str] = []

    def note(message: bytes | str) -> None:  # Playwright does not accept a method of a list
        sent.append(message)

    visitor.page.on("websocket", lambda socket: socket.on("framesent", note) if "stream" in socket.url else None)
    visitor.page.add_init_script(CABLE)
    visitor.open("hidden=6&speed=max")
    visitor.play()
    before = visitor.until("facts.epoch > 5")
    for attempts in (1, 4):  # the fourth attempt comes seconds later, while training waits
        visitor.settle()  # what a script run draws while the connection is lost never arrives
        visitor.page.evaluate("window.pull()")
        visitor.until("facts.status === 'lost'")
        visitor.page.wait_for_function(
            f"window.tries >= {attempts} && performance.now() - window.since >= {1000 * DROPPED}",
            timeout=1000 * (DROPPED + WAIT_S),
        )
        visitor.page.evaluate("window.plug()")
        after = visitor.until(f"facts.status === 'running' && facts.epoch > {before['epoch']}", WAIT_S + DROPPED)
        visitor.page.wait_for_selector(  # Streamlit reconnects after at most half a minute
            "[data-test-connection-state=CONNECTED]", timeout=1000 * (WAIT_S + DROPPED)
        )
        assert after["build"] == before["build"]  # the same run
        before = after
    visitor.pause()
    assert sum(b"reconnected" in message for message in sent if isinstance(message, bytes)) >= 2  # one each
    visitor.errors.clear()  # the browser reports the attempts that failed
    visitor.page.close()  # it has the patched WebSocket


def test_a_duplicated_tab_is_a_separate_visitor(playground):
    playground.open("hidden=3&seed=5")
    playground.step(1)
    with playground.context.expect_page() as opened:
        playground.page.evaluate("window.open(location)")  # copies the storage of the tab
    twin = opened.value
    twin.wait_for_function("document.querySelector('[data-testid=live]')?.dataset.frame > 0")
    facts = "() => ({...document.querySelector('[data-testid=live]').dataset})"
    assert twin.evaluate(facts)["epoch"] == "0"  # the same experiment at its first epoch
    twin.get_by_role("button", name="Step", exact=True).click()
    twin.wait_for_function("document.querySelector('[data-testid=live]').dataset.epoch == 1")
    assert twin.evaluate(facts)["trainLoss"] == playground.facts["trainLoss"]
    twin.get_by_role("button", name="Reset", exact=True).click()
    twin.wait_for_function("document.querySelector('[data-testid=live]').dataset.epoch == 0")
    assert playground.facts["epoch"] == "1"
    twin.close()
    playground.step(2)

    playground.go("Help")
    playground.page.go_back()
    playground.until("facts.frame > 0 && facts.epoch == 2", 30)
    playground.linked(hidden="3", seed="5")
    playground.step(3)
    entries = playground.page.evaluate("history.length")
    playground.slide("Learning rate", "ArrowRight")
    playground.linked(learning_rate="0.1")
    playground.enter("Seed", 6)
    playground.linked(seed="6")
    assert playground.page.evaluate("history.length") == entries  # back leads to another page, not to other settings
    for there in ("Functions", "Help"):  # pages with and without components of their own
        playground.go(there)
    playground.page.go_back()
    playground.page.get_by_role("heading", name="Functions", exact=True).first.wait_for()
    playground.settle()
    playground.page.go_back()
    playground.until("facts.frame > 0", 30)
    playground.linked(hidden="3", seed="6", learning_rate="0.1")
    playground.page.go_forward()
    playground.page.get_by_role("heading", name="Functions", exact=True).first.wait_for()
    playground.linked(hidden="3", seed="6", learning_rate="0.1")

    playground.open_page("Functions")  # without having been on the Playground
    entries = playground.page.evaluate("history.length")
    playground.choose("Speed", SPEEDS["max"].label)
    playground.linked(speed="max")
    assert playground.page.evaluate("history.length") == entries


def refuse_strangers_and_garbage(server, token: str) -> None:
    assert ask(server, token, QUESTION)[:4] == b"BPF1"
    assert ask(server, token, QUESTION, origin=server.url.rstrip("/"))[:4] == b"BPF1"
    for foreign in ("http://elsewhere.example", "null", "http://[::1", server.url.replace("http", "ftp").rstrip("/")):
        with pytest.raises(InvalidStatus, match="403"):
            ask(server, token, QUESTION, origin=foreign)
    assert ask(server, "guessed", QUESTION) == CLOSE_RUN_UNKNOWN == 4404
    assert ask(server, "", QUESTION) == CLOSE_RUN_UNKNOWN
    assert {message: ask(server, token, message) for message in GARBAGE} == dict.fromkeys(GARBAGE, CLOSE_BAD_REQUEST)


def test_the_socket_refuses_strangers_garbage_and_too_many(playground, server):
    own = playground.open().token
    assert playground.sockets[-1].url == server.url.replace("http", "ws") + "live/socket"  # addresses are in logs
    refuse_strangers_and_garbage(server, own)
    playground.step(1)  # the visitor is not disturbed
    assert health(server)["status"] == "ok"
    refused = number(server, "sockets_refused_total")
    with ExitStack() as sockets:
        for _ in range(int(limits({}).sockets_a_run) - 1):  # the page has one
            live = sockets.enter_context(connect_live(server, own))
        assert ask(server, own, QUESTION) == CLOSE_TOO_MANY
        for _ in range(FLOOD):
            live.send(QUESTION)
        for _ in range(FLOOD):
            live.recv(timeout=30)
    assert eventually(lambda: number(server, "sockets_refused_total") == refused + 1, 5)
    tokens = [own[:-1] + letter for letter in "AQgw"]  # other last letters
    assert {ask(server, token, QUESTION) for token in tokens if token != own} == {CLOSE_RUN_UNKNOWN}
    playground.step(2)


def test_no_other_host_is_contacted(playground, server):
    page, asked = playground.page, []
    page.on("request", note_request := lambda request: asked.append(request.url))
    page.on("websocket", note_request_socket := lambda socket: asked.append(socket.url))
    playground.open("dataset=spiral")
    playground.play()
    playground.until("facts.epoch > 3")
    page.wait_for_function("document.querySelectorAll('.js-plotly-plot svg.main-svg').length >= 6")
    playground.go("Help")
    home = (server.url, server.url.replace("http", "ws"), "data:", "blob:")
    assert [url for url in asked if not url.startswith(home)] == []
    assert any("live/socket" in url for url in asked)
    page.remove_listener("request", note_request)
    page.remove_listener("websocket", note_request_socket)
    answer = page.goto(server.url)
    assert answer is not None
    assert "object-src 'none'" in answer.headers["content-security-policy"]
    assert page.evaluate(PLANTED)
    assert any("Content Security Policy" in error for error in playground.errors)
    playground.errors.clear()
