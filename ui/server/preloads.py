"""A page names what its first picture needs, so that the browser fetches it while Streamlit starts.

Streamlit's own scripts come first: the names stand behind theirs, with a low priority.
"""

from __future__ import annotations

import gzip

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.components import VERSION, modules
from ui.streamlit_compat.frontend_files import chunks

PICTURE = [f"static/js/{name}" for name in chunks("BidiComponent", "Html")]
PRELOADED = [*PICTURE, *(f"live/{VERSION}/{name}" for name in modules("live/live.js"))]
LINK = '<link rel="modulepreload" crossorigin fetchpriority="low" href="./{}">'
LINKS = "".join(map(LINK.format, PRELOADED)).encode()


class Preloads:
    """ASGI middleware that writes LINKS at the end of the head of each page."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            return await self.app(scope, receive, send)
        start: Message | None = None
        page = b""

        async def with_links(message: Message) -> None:
            nonlocal start, page
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
            elif start is None:
                await send(message)
            else:
                page += message.get("body", b"")
                if not message.get("more_body"):
                    page = _linked(page, MutableHeaders(scope=start))
                    await send(start)
                    await send({"type": "http.response.body", "body": page})

        await self.app(scope, receive, with_links)


def _is_page(message: Message) -> bool:
    is_html = MutableHeaders(scope=message).get("content-type", "").startswith("text/html")
    return is_html and message["status"] == 200


def _linked(page: bytes, headers: MutableHeaders) -> bytes:
    """The page with LINKS; its headers follow."""
    is_compressed = headers.get("content-encoding") == "gzip"
    plain = gzip.decompress(page) if is_compressed else page
    linked = plain.replace(b"</head>", LINKS + b"</head>", 1)
    page = gzip.compress(linked, 6, mtime=0) if is_compressed else linked
    headers["content-length"] = str(len(page))
    for name in ("etag", "last-modified"):  # of Streamlit's part alone
        if name in headers:
            del headers[name]
    return page
