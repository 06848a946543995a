"""What a browser fetches beside Streamlit's own: Plotly, and our modules, each with all that it imports in one answer.

It is compressed once and kept: Streamlit would do so anew for every visitor, between two frames of all others.
"""

from __future__ import annotations

import asyncio
import gzip
from functools import cache
from pathlib import Path

import plotly
from starlette.requests import Request
from starlette.responses import Response

from ui.components import FILES, VERSION, joined

PLOTLY_FILE = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
KINDS = {".css": "text/css", ".js": "text/javascript"}


async def component_file(request: Request) -> Response:
    """A module or a style sheet, which the browser keeps for good where it asks for this version."""
    path = FILES.get(request.path_params["name"])
    if path is None:
        return Response("No such file.", 404)
    return await _file(request, path, FOREVER if request.path_params["version"] == VERSION else {})


async def plotly_file(request: Request) -> Response:
    return await _file(request, PLOTLY_FILE, FOREVER)


async def _file(request: Request, path: Path, headers: dict[str, str]) -> Response:
    plain, compressed = await asyncio.to_thread(_contents, path)
    headers = {**headers, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        plain, headers["Content-Encoding"] = compressed, "gzip"
    return Response(plain, media_type=KINDS[path.suffix], headers=headers)


@cache
def _contents(path: Path) -> tuple[bytes, bytes]:
    """The bytes of a file as they are and as gzip."""
    ours = path.suffix == ".js" and path == FILES.get(path.name)
    content = joined(path.name, exported=True).encode() if ours else path.read_bytes()
    return content, gzip.compress(content, 9, mtime=0)
