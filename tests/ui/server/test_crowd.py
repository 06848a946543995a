"""With many visitors every page is asked to request frames less often, and moving maps get fewer points."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from starlette.websockets import WebSocketDisconnect

from lab.protocol.messages import LIVE_PROTOCOL, Reply
from lab.server import pool
from lab.server.pool import settled
from ui.server import routes
from ui.server.traffic import Traffic

QUESTION = json.dumps({"type": "frame", "build": -1, "generation": -1, "have": 0, "frame": -1, "focus": None})


class Socket:
    """A browser's socket that asks twice and goes."""

    headers, scope = {"host": "here"}, {"subprotocols": [LIVE_PROTOCOL, "mine"]}

    def __init__(self):
        self.questions, self.sent = [QUESTION, QUESTION], []

    async def accept(self, subprotocol):
        pass

    async def receive_text(self):
        if not self.questions:
            raise WebSocketDisconnect
        return self.questions.pop()

    async def send_bytes(self, answer):
        pass

    async def send_text(self, text):
        self.sent.append(json.loads(text)["interval"])


@pytest.mark.parametrize(
    ("present", "interval", "coarse"), [(1, None, False), (10, 30, False), (11, 40, True), (100, 310, True)]
)
def test_the_resolution_of_a_moving_map_depends_on_visitors(present, interval, coarse, monkeypatch):
    asked = []

    def submit(token, command):
        asked.append(command.coarse)
        return settled(Reply(arrays={"frame": np.zeros(1, np.uint8)}))

    traffic = Traffic(clock=lambda: 0.0)
    traffic.asked = dict.fromkeys(range(present - 1), 0.0)  # the others
    limits = SimpleNamespace(sockets_a_run=4, frames_a_second=330)
    monkeypatch.setattr(routes, "TRAFFIC", traffic)
    monkeypatch.setattr(
        pool, "SERVER", SimpleNamespace(runs={"mine"}, limits=limits, submit=submit, back=lambda token: True)
    )
    browser = Socket()
    with ThreadPoolExecutor(1) as apart:  # this thread may hold the event loop of a browser
        apart.submit(lambda: asyncio.run(routes.live(browser))).result()  # pyright: ignore[reportArgumentType]
    assert asked == [False, coarse]
    assert browser.sent == ([interval] if interval else [])
