"""Pictures that change faster than script runs: a page offers one for its run, and its component fetches it again and
again. Nothing of the page is drawn for it."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol
from weakref import WeakValueDictionary

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lab.protocol.messages import Query, Reply
from lab.server import pool

ADDRESS = "live/picture"
RUN_HEADER = "run-token"  # in an address it would be in every log


class Picture(Protocol):
    """What a page offers. The page that shows it keeps it: when the page has gone, nobody can fetch it any more."""

    def question(self) -> Query | None:
        """What the worker must be asked for the next picture; None where nothing changes any more."""
        ...

    def take(self, question: Query, reply: Reply) -> dict[str, Any]:
        """Plain values for the component, after the worker has answered. Called in a thread of its own."""
        ...


OFFERED: WeakValueDictionary[str, Picture] = WeakValueDictionary()  # by the token of the run
_answering: set[str] = set()  # tokens: whoever asks more than once at a time does not hold up others


async def picture(request: Request) -> Response:
    """The picture as it is now; 204: nothing changes any more, 404: none is offered, 429: one is being made."""
    token, runs = request.headers.get(RUN_HEADER, ""), pool.SERVER
    offered = OFFERED.get(token)
    if offered is None or runs is None:
        return Response(status_code=404)
    if (question := offered.question()) is None:
        return Response(status_code=204)
    if token in _answering:
        return Response(status_code=429)
    _answering.add(token)
    try:
        reply = await asyncio.wrap_future(runs.submit(token, question))
        if reply.error:  # the page finds out, too, and says it
            return Response(status_code=404)
        return JSONResponse(await asyncio.to_thread(offered.take, question, reply))
    finally:
        _answering.discard(token)
