"""What a browser fetches: Streamlit's scripts, Plotly, and our modules.

Files are compressed once and kept in memory. Streamlit would read its own anew for every visitor, sixty before the
first picture, and compress ours between two frames of all others.
"""

from __future__ import annotations

import asyncio
import gzip
from mimetypes import guess_type
from pathlib import Path

import plotly
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.components import FILES, VERSION
from ui.streamlit_compat.frontend_files import FRONTEND_FILES

PLOTLY_FILE = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
KEPT: dict[Path, tuple[bytes, bytes]] = {}
KINDS = {".css": "text/css", ".js": "text/javascript"}


async def component_file(request: Request) -> Response:
    """A module or a style sheet, which the browser keeps for good if it asks for the current version.

    The version is part of the folder, so that relative imports between modules resolve to the same version.
    """
    path = FILES.get(request.path_params["name"])
    if path is None:
        return Response("No such file.", 404)
    return await _file(request, path, FOREVER if request.path_params["version"] == VERSION else {})


async def plotly_file(request: Request) -> Response:
    return await _file(request, PLOTLY_FILE, FOREVER)


async def _file(request: Request, path: Path, headers: dict[str, str]) -> Response:
    if path not in KEPT:
        KEPT[path] = await asyncio.to_thread(_contents, path)
    plain, compressed = KEPT[path]
    headers = {**headers, "Vary": "Accept-Encoding"}
    if compressed and "gzip" in request.headers.get("accept-encoding", ""):
        plain, headers["Content-Encoding"] = compressed, "gzip"
    return Response(plain, media_type=KINDS.get(path.suffix) or guess_type(path.name)[0], headers=headers)


def _contents(path: Path) -> tuple[bytes, bytes]:
    """The bytes of a file as they are, and as gzip where that helps."""
    content = path.read_bytes()
    return content, gzip.compress(content, 6, mtime=0) if path.suffix in KINDS else b""


class CachedStreamlitAssets:
    """ASGI middleware that answers for Streamlit's scripts, whose names change with their content."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = FRONTEND_FILES.get(scope["path"].partition("/static/")[2]) if scope["type"] == "http" else None
        if path is None or scope["method"] != "GET":
            return await self.app(scope, receive, send)
        await (await _file(Request(scope), path, FOREVER))(scope, receive, send)
