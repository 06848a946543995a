"""A killed worker, a restarted server, a closed page, and Ctrl-C.

The tests share a server, which is restarted where a test has ended it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import urllib.request
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bench.serving import Server
from lab.protocol.messages import LIVE_PROTOCOL
from lab.worker.scheduler import CHECKPOINT_EVERY_S
from tests.browser.playground import WAIT_S, eventually

pytestmark = pytest.mark.browser

QUESTION = json.dumps({"type": "frame", "build": -1, "generation": -1, "have": 0, "frame": -1})
RESTARTED = "document.querySelector('.live-notice').innerText.includes('was restarted')"
RECORD = f"""() => {{
  const root = document.querySelector('[data-testid=live]');
  const note = () => {{ if ({RESTARTED}) window.epochs.push(Number(root.dataset.epoch)); }};
  window.epochs = [];
  new MutationObserver(note).observe(root, {{attributeFilter: ['data-epoch']}});
}}"""


def workers(server) -> list[psutil.Process]:
    family = psutil.Process(server.process.pid).children(recursive=True)
    return [child for child in family if "lab.worker" in child.cmdline()]


def health(server) -> dict:
    with urllib.request.urlopen(server.url + "healthz", timeout=5) as answer:
        return json.load(answer)


def connect_live(server: Server, token: str, **options) -> ClientConnection:
    """The live socket of the run with this token."""
    address = f"{server.url.replace('http', 'ws')}live/socket"
    words = [Subprotocol(word) for word in (LIVE_PROTOCOL, token) if word]
    return connect(address, subprotocols=words, **options)


def ask(server: Server, token: str, message: str | bytes, **options) -> Any:
    """Send one message to the live socket: the answer, or the code with which the socket is closed."""
    with connect_live(server, token, **options) as socket:
        try:
            socket.send(message)
            return socket.recv(timeout=10)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else -1


@pytest.fixture(scope="module")
def own(port) -> Iterator[Server]:
    running = Server(port=port, PLAYGROUND_AWAY_SECONDS="3600")  # runs of visitors who left still count
    yield running
    running.stop()


@pytest.fixture
def mortal(own) -> Server:
    """A server that a test may end: only the tests of this module use it."""
    if own.process.poll() is not None:
        own.begin()
    return own


def test_a_killed_worker_resumes_its_run_from_a_checkpoint(mortal, visit):
    restarts = health(mortal)["workers"]["restarts"]
    visitor = visit(mortal.url).open("dataset=spiral&noise=0.2")
    visitor.play()
    saved = visitor.page.evaluate("performance.now()") + CHECKPOINT_EVERY_S * 1500  # a checkpoint is written by then
    visitor.page.evaluate(RECORD)
    before = visitor.until(f"facts.epoch > 3 && performance.now() > {saved}")
    (killed, *_) = workers(mortal)
    killed.kill()
    visitor.until(RESTARTED, 30)
    visitor.until(f"facts.epoch > {before['epoch']} + 5 && facts.status === 'running'", 30)
    (checkpoint,) = map(int, re.findall(r"this run was resumed from .*epoch (\d+)", visitor.status_line))
    assert 0 < checkpoint <= min(visitor.page.evaluate("window.epochs"))
    assert [worker.pid for worker in workers(mortal)] != [killed.pid]
    assert health(mortal)["workers"]["restarts"] == restarts + 1
    visitor.pause()
    visitor.step(int(visitor.facts["epoch"]) + 1)


@pytest.mark.timeout(240)  # the server starts twice
def test_a_restarted_server_restores_experiment_and_network(mortal, visit):
    visitor = visit(mortal.url).open("dataset=xor&hidden=5")
    visitor.step(1)
    before = visitor.step(2)
    stranger = visit(mortal.url).open("dataset=xor&hidden=5")
    mortal.stop(for_good=False)
    visitor.until("facts.status === 'lost'", 30)
    mortal.begin()
    after = visitor.until("facts.status === 'paused' && facts.epoch == 2", 60)
    assert after["trainLoss"] == before["trainLoss"]
    assert "This run was kept while you or the server were away: it continues from epoch 2." in visitor.status_line
    visitor.linked(dataset="xor", hidden="5")
    visitor.step(3)
    stranger.until("facts.status === 'idle' && facts.epoch == 0", 60)  # another visitor with the same link
    for each in (visitor, stranger):
        each.errors.clear()  # the browser reports failed requests


def test_a_closed_page_pauses_its_run_within_five_seconds(mortal, visit):
    visitor = visit(mortal.url).open("speed=max")
    assert eventually(lambda: health(mortal)["trainers"]["running"] == 0, 5)
    paused = health(mortal)["trainers"]["paused"]  # its own among them
    visitor.play()
    assert eventually(lambda: health(mortal)["trainers"] == {"running": 1, "paused": paused - 1}, 5)
    visitor.page.close()
    assert eventually(lambda: health(mortal)["trainers"] == {"running": 0, "paused": paused}, 5)


def test_ctrl_c_during_a_run_leaves_no_process(mortal, visit):
    visitor = visit(mortal.url).open("speed=max")
    visitor.play()
    family = psutil.Process(mortal.process.pid).children(recursive=True)
    assert family
    os.killpg(mortal.process.pid, signal.SIGINT)  # a terminal sends it to the whole group
    mortal.process.wait(WAIT_S)
    _, left = psutil.wait_procs(family, timeout=WAIT_S)
    assert left == []
    visitor.until("facts.status === 'lost'")
    visitor.errors.clear()  # the browser reports failed requests
