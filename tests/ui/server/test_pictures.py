"""Pictures that a page offers and its browser fetches."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from starlette.requests import Request

from lab.protocol.messages import Query, Reply
from lab.server import pool
from ui.server.pictures import OFFERED, RUN_HEADER, picture

RUN = "token of a run"


class Counting:
    """A picture of how often it was asked for."""

    def __init__(self, most: int) -> None:
        self.most, self.count = most, 0

    def question(self) -> Query | None:
        return Query("count", {"from": self.count}) if self.count < self.most else None

    def take(self, question: Query, reply: Reply):
        self.count += 1
        return {"count": self.count, "asked": question.parameters, "answered": reply.header}


@pytest.fixture
def worker(monkeypatch):
    """A server that answers every question with `reply`."""
    worker = SimpleNamespace(reply=Reply({"fine": True}), asked=[])

    def submit(token, command):
        worker.asked.append((token, command.name))
        worker.waiting = Future()
        if worker.reply:
            worker.waiting.set_result(worker.reply)
        return worker.waiting

    monkeypatch.setattr(pool, "SERVER", SimpleNamespace(submit=submit))
    return worker


def fetched(token: str = RUN):
    """Status and content of what a browser gets."""
    request = Request({"type": "http", "headers": [(RUN_HEADER.encode(), token.encode())]})
    with ThreadPoolExecutor(1) as apart:
        answer = apart.submit(lambda: asyncio.run(picture(request))).result()
    return answer.status_code, json.loads(bytes(answer.body) or "null")


def test_each_question_brings_the_next_picture_until_nothing_changes(worker):
    OFFERED[RUN] = offered = Counting(2)
    answers = [fetched() for _ in range(3)]
    assert answers == [
        (200, {"count": 1, "asked": {"from": 0}, "answered": {"fine": True}}),
        (200, {"count": 2, "asked": {"from": 1}, "answered": {"fine": True}}),
        (204, None),
    ]
    assert worker.asked == [(RUN, "count")] * 2
    assert offered.count == 2


def test_nobody_fetches_what_is_not_offered_or_whose_page_has_gone(worker):
    OFFERED[RUN] = offered = Counting(2)
    assert fetched("another")[0] == fetched("")[0] == 404
    del offered
    assert fetched() == (404, None)
    assert worker.asked == []


def test_one_picture_is_made_at_a_time(worker):
    OFFERED[RUN] = offered = Counting(2)
    worker.reply = None  # the worker has not answered yet

    async def twice():
        request = Request({"type": "http", "headers": [(RUN_HEADER.encode(), RUN.encode())]})
        first = asyncio.ensure_future(picture(request))
        await asyncio.sleep(0)
        second = await picture(request)
        worker.waiting.set_result(Reply())
        return (await first).status_code, second.status_code

    with ThreadPoolExecutor(1) as apart:
        assert apart.submit(lambda: asyncio.run(twice())).result() == (200, 429)
    assert offered.count == 1


def test_a_problem_is_left_to_the_page(worker, monkeypatch):
    OFFERED[RUN] = offered = Counting(2)
    worker.reply = Reply(error="gone")
    assert fetched() == (404, None)
    monkeypatch.setattr(pool, "SERVER", None)  # it is being stopped
    assert fetched() == (404, None)
    assert offered.count == 0
