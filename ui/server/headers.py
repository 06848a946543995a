"""What every answer tells the browser that this page may do; and the word by which a browser finds its run again.

Each line of POLICY has its reason. `tests/browser/test_class.py` runs the whole page under it.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.session.waiting import COOKIE

MONTH = 30 * 24 * 3600  # seconds
POLICY = {
    "default-src": "'self'",  # nothing from elsewhere: no font, script, style or picture
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",  # Streamlit starts inline; a component's code is a blob
    "style-src": "'self' 'unsafe-inline'",  # Streamlit and Plotly write styles while they run
    "img-src": "'self' data: blob:",  # Plotly's pictures and the logo
    "font-src": "'self' data:",
    "connect-src": "'self' {sockets}",  # its own sockets; some browsers do not count them as 'self'
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",  # a planted <base> would lead every address elsewhere
    "form-action": "'self'",
    "frame-ancestors": "{ancestors}",  # who may show the page in a frame of theirs
}
ANCESTORS = "PLAYGROUND_FRAME_ANCESTORS"  # "'self' https://school.example"; "'none'" forbids it
ALWAYS = {
    "X-Content-Type-Options": "nosniff",  # a file is what it is declared to be
    "Referrer-Policy": "same-origin",  # a link holds an experiment; no other site learns of it
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",  # nothing here asks for them
    "Cross-Origin-Opener-Policy": "same-origin",  # a page that opened this one gets no hold of it
}

PRIVATE = re.compile(r"/(media|_stcore/upload_file)/|/(healthz|metrics)$")  # a visitor's files; what changes at once


def ancestors(environment: Mapping[str, str] = os.environ) -> str:
    """Everyone, unless the owner says otherwise: there is no login and nothing to steal by a click, and a teacher's own
    page shows the playground in the frame that Share gives out. Raises ValueError for what would be another rule."""
    text = environment.get(ANCESTORS, "").strip() or "*"
    if not re.fullmatch(r"[\w\-.:/*' ]+", text, re.ASCII):
        raise ValueError(f"{ANCESTORS}: {text[:40]!r} is not allowed; allowed: 'none', 'self' and addresses of sites.")
    return text


class Headers:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.ancestors = app, ancestors()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        asked = MutableHeaders(scope=scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), asked, scope["scheme"], scope["path"])
            await send(message)

        await self.app(scope, receive, with_headers)

    def _add(self, answer: MutableHeaders, asked: MutableHeaders, scheme: str, path: str) -> None:
        for name, value in ALWAYS.items():
            answer.setdefault(name, value)
        if PRIVATE.search(path):
            answer["Cache-Control"] = "no-store"
        if not answer.get("content-type", "").startswith("text/html"):
            return
        host = asked.get("host", "")
        sockets = f"ws://{host} wss://{host}" if re.fullmatch(r"[\w.\-:\[\]]+", host, re.ASCII) else ""
        answer["Content-Security-Policy"] = "; ".join(
            f"{name} {rule.format(sockets=sockets, ancestors=self.ancestors)}" for name, rule in POLICY.items()
        )
        if f"{COOKIE}=" not in asked.get("cookie", ""):
            secure = "; Secure" if scheme == "https" else ""
            word = f"{COOKIE}={secrets.token_urlsafe(16)}; Path=/; Max-Age={MONTH}; HttpOnly; SameSite=Lax{secure}"
            answer.append("Set-Cookie", word)
