"""The outermost middleware: which requests reach the app at all, and how many bytes of uploads it holds.

A foreign page is refused before Streamlit sees its Origin: Streamlit would ask a server on the internet for this
machine's address, and nobody is served meanwhile.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lab.server.limits import limits
from ui.streamlit_compat.server import UPLOAD_PATH, allowed_origins, max_upload_bytes, uploaded_bytes

HOST = re.compile(r"[A-Za-z0-9.\-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")
CHANGING = ("POST", "PUT", "DELETE", "PATCH")
REFUSED_HANDSHAKE = {"type": "websocket.close", "code": 1008}  # before it is accepted: the client gets 403

STALLED_S = 20.0  # without a byte of an upload, after which it no longer keeps room from others


class Refusal(NamedTuple):
    status: int
    sentence: str


FOREIGN = Refusal(403, "This address answers only its own pages; open it in a browser.")
MALFORMED = Refusal(400, "The host of this request is malformed; a name or address, and a port, are allowed.")
LENGTH = Refusal(400, "The length of this upload is malformed; a whole number of bytes is allowed.")
TOO_MUCH = Refusal(413, "This session holds too many uploads; remove one, or reload the page, and try again.")
STALLED = Refusal(408, "The upload stopped on its way; try again.")
FULL = Refusal(507, "Others are uploading; the server takes more in a moment.")


class Gate:
    """ASGI middleware. held: the bytes of uploads that the app holds by session."""

    def __init__(self, app: ASGIApp, held: Callable[[], dict[str, int]] = uploaded_bytes) -> None:
        self.app, self.held = app, held
        self.arriving: Counter[str] = Counter()  # session -> bytes of uploads on their way
        bounds = limits()
        self.session_bytes, self.all_bytes = bounds.session_uploads_mb * 1e6, bounds.uploads_mb * 1e6

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        if refusal := judge(scope, headers):
            return await refuse(refusal, scope, receive, send)
        if scope["type"] != "http" or scope["method"] != "PUT" or UPLOAD_PATH not in scope["path"]:
            return await self.app(scope, receive, send)
        session, size = scope["path"].split(UPLOAD_PATH, 1)[1].split("/")[0], declared_size(headers)
        if size is None:
            return await refuse(LENGTH, scope, receive, send)
        if refusal := self.judge_upload(session, size):
            return await refuse(refusal, scope, receive, send)
        self.arriving[session] += size
        try:
            await self.app(scope, _without_stalling(receive), send)
        except TimeoutError:
            await refuse(STALLED, scope, receive, send)
        finally:
            self.arriving[session] -= size
            if self.arriving[session] <= 0:
                del self.arriving[session]

    def judge_upload(self, session: str, size: int) -> Refusal | None:
        """The refusal of an upload of this many bytes, or None if there is room for it."""
        held = Counter(self.held()) + self.arriving
        if held[session] + size > self.session_bytes:
            return TOO_MUCH
        return FULL if held.total() + size > self.all_bytes else None


def _without_stalling(receive: Receive) -> Receive:
    """Raises TimeoutError where the next part of the body does not come."""

    async def receive_in_time() -> Message:
        return await asyncio.wait_for(receive(), STALLED_S)

    return receive_in_time


def judge(scope: Scope, headers: Headers) -> Refusal | None:
    """None for a page of this server, for the owner's other addresses, and for a client that is no browser."""
    host = headers.get("host", "")
    if len(headers.getlist("host")) != 1 or not HOST.fullmatch(host):
        return MALFORMED
    origins = headers.getlist("origin")
    asks_only = scope["type"] == "http" and scope["method"] not in CHANGING
    if not origins or asks_only or (len(origins) == 1 and is_own(origins[0], host, allowed_origins())):
        return None
    return FOREIGN


def is_own(origin: str, host: str, allowed: Sequence[str]) -> bool:
    """Whether a page of this origin is a page of this host, or one that the owner's configuration names."""
    try:
        parts = urlsplit(origin)
    except ValueError:  # of an address that begins like IPv6
        return False
    return parts.scheme in ("http", "https") and (parts.netloc.lower() == host.lower() or origin in allowed)


def declared_size(headers: Headers) -> int | None:
    """Bytes of an upload; those of the largest where they are not declared. None: malformed."""
    most = max_upload_bytes()  # Streamlit refuses more, also while it arrives
    length = headers.get("content-length", str(most))
    return min(int(length), most) if re.fullmatch("[0-9]{1,15}", length) else None


async def refuse(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        return await send(REFUSED_HANDSHAKE)
    headers = {"Connection": "close"}  # what else the client sends is not read
    await PlainTextResponse(refusal.sentence, refusal.status, headers)(scope, receive, send)
