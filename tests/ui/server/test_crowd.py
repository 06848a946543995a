"""With many visitors every page is asked to request frames less often, and moving maps get fewer points."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from starlette.websockets import WebSocketDisconnect

from lab.experiment.experiment import Experiment
from lab.protocol.frames import unpack
from lab.protocol.messages import LIVE_PROTOCOL, Reply, RunState
from lab.server import pool
from lab.server.pool import settled
from ui.server import routes
from ui.server.traffic import Traffic

QUESTION = json.dumps({"type": "frame", "build": -1, "generation": -1, "have": 0, "frame": -1, "focus": None})


class Socket:
    """A browser's socket that asks twice and goes."""

    headers, scope = {"host": "here"}, {"subprotocols": [LIVE_PROTOCOL, "mine"]}

    def __init__(self):
        self.questions, self.sent, self.frames = [QUESTION, QUESTION], [], []

    async def accept(self, subprotocol):
        pass

    async def receive_text(self):
        if not self.questions:
            raise WebSocketDisconnect
        return self.questions.pop()

    async def send_bytes(self, answer):
        self.frames.append(answer)

    async def send_text(self, text):
        self.sent.append(json.loads(text)["interval"])


@pytest.mark.parametrize(
    ("present", "interval", "coarse"), [(1, None, False), (10, 30, False), (11, 40, True), (100, 100, True)]
)
def test_the_resolution_of_a_moving_map_depends_on_visitors(present, interval, coarse, monkeypatch):
    asked = []

    def submit(token, command):
        asked.append(command.coarse)
        return settled(Reply(arrays={"frame": np.zeros(1, np.uint8)}))

    browser = visit(monkeypatch, submit, others=present - 1)
    assert asked == [False, coarse]
    assert browser.sent == ([interval] if interval else [])
    assert len(browser.frames) == 2


@pytest.mark.parametrize("state", [None, RunState(Experiment(), "running")])
def test_a_refused_frame_is_answered_with_a_sentence(state, monkeypatch):
    refused = Reply(error="refused", sentence="The memory does not suffice.", state=state)
    first, second = visit(monkeypatch, lambda *_: settled(refused)).frames
    header, arrays = unpack(first)
    assert (header["problem"], header["frame"], arrays) == (refused.sentence, -1, {})
    assert header.get("status") == (state.status if state else None)
    assert first == second


def visit(monkeypatch, submit, others=0) -> Socket:
    """A browser beside others, whose commands the worker answers by `submit`."""
    traffic = Traffic(clock=lambda: 0.0)
    traffic.asked = dict.fromkeys(range(others), 0.0)
    limits = SimpleNamespace(sockets_a_run=4, frames_a_second=330, crowd_frames_a_second=1000)
    monkeypatch.setattr(routes, "TRAFFIC", traffic)
    monkeypatch.setattr(
        pool, "SERVER", SimpleNamespace(runs={"mine"}, limits=limits, submit=submit, back=lambda token: True)
    )
    browser = Socket()
    with ThreadPoolExecutor(1) as apart:  # this thread may hold the event loop of a browser
        apart.submit(lambda: asyncio.run(routes.live(browser))).result()
    return browser
