"""What the server answers beside the page: the live socket, the component's files and its health."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from lab.protocol.frames import pack
from lab.server import pool
from lab.training.run import LARGEST_WEIGHT, PREVIEWED
from ui.components import PLOTLY, VERSION
from ui.server import metrics
from ui.server.static_assets import component_file, plotly_file
from ui.server.traffic import FASTEST, TRAFFIC

LONGEST_REQUEST = 500  # characters; a request for a frame has about 80
FRAME_FIELDS = ("build", "generation", "have", "frame")
EDIT_FIELDS = ("layer", "from", "to")
MOST_PREVIEWED = 100_000  # no slider goes further
CROWD = 40  # ms between two frames of a visitor, from which on a moving map has a quarter of its points
SOONEST = 0.008  # seconds between two frames of one visitor, however often they are asked for
UNKNOWN_RUN, FOREIGN_PAGE, BAD_REQUEST, TOO_MANY = 4404, 4403, 4400, 4429
LOST = {"status": "lost", "unchanged": True, "frame": -1, "notice": "The training process is being restarted."}


async def live(socket: WebSocket) -> None:
    """Frames out, requests in: the browser asks for the next frame when it takes this one to paint it."""
    await socket.accept()
    if not same_origin(socket):
        return await socket.close(FOREIGN_PAGE)
    token, runs, told = socket.query_params.get("run", ""), pool.SERVER, FASTEST
    if runs is None or token not in runs.runs:
        return await socket.close(UNKNOWN_RUN)
    if not TRAFFIC.enter(token, runs.limits.sockets_a_run):
        return await socket.close(TOO_MANY)
    try:
        while True:
            request = await receive(socket)
            begin = time.monotonic()
            if request is None:
                return await socket.close(BAD_REQUEST)
            if not runs.back(token):
                return await socket.close(UNKNOWN_RUN)
            if request["do"] == "frame":
                request["request"]["coarse"] = told >= CROWD
            answer = await asyncio.wrap_future(runs.submit({"run": token, **request}))
            match answer[0].get("error"):
                case None if request["do"] == "frame":
                    await socket.send_bytes(pool.frame_bytes(answer))
                    TRAFFIC.answered(id(socket), time.monotonic() - begin)
                case None:
                    pass  # the next frame shows what it has done
                case "refused":
                    return await socket.close(BAD_REQUEST)
                case "gone" | "fallen":
                    return await socket.close(UNKNOWN_RUN)
                case _:
                    await socket.send_bytes(pack(LOST))
            if (interval := TRAFFIC.interval(runs.limits.frames_a_second)) != told:
                told = interval
                await socket.send_text(json.dumps({"interval": told}))
            soonest = max(SOONEST, interval / 3000)  # whoever does not listen gets three times as much, not all
            await asyncio.sleep(max(0.0, begin + soonest - time.monotonic()))
    except WebSocketDisconnect:
        return None
    finally:
        TRAFFIC.leave(token, id(socket))


def same_origin(socket: WebSocket) -> bool:
    """A page of another site must not read a visitor's run. A client that is no browser sends no Origin."""
    origin = socket.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == socket.headers.get("host")


async def receive(socket: WebSocket) -> dict[str, Any] | None:
    """The next command, or None for anything else."""
    try:
        return parse(await socket.receive_text())
    except KeyError:  # Starlette's: bytes, where text belongs
        return None


def parse(text: str) -> dict[str, Any] | None:
    """What the component asks for, as a command to the run; None for anything that it never asks."""
    try:
        message = json.loads(text) if len(text) <= LONGEST_REQUEST else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict):
        return None
    match message.get("type"):
        case "frame":
            request: dict[str, Any] = {name: message.get(name, -1) for name in FRAME_FIELDS}
            request["focus"] = focus = message.get("focus")
            sound = _are_whole(request[name] for name in FRAME_FIELDS) and (focus is None or _are_whole([focus]))
            return {"do": "frame", "request": request} if sound else None
        case "edit":
            edit, value = {name: message.get(name) for name in EDIT_FIELDS}, message.get("value")
            if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= LARGEST_WEIGHT:
                return None
            sound = _are_whole(edit.values())
            return {"do": "edit", **edit, "value": value} if sound else None
        case "preview":
            field, value = message.get("field"), message.get("value")
            if isinstance(value, bool) or not isinstance(value, int | float) or field not in PREVIEWED:
                return None
            return {"do": "preview", "field": field, "value": value} if abs(value) <= MOST_PREVIEWED else None
        case "step_batch":
            return {"do": "step_batch"}
    return None


def _are_whole(values: Iterable[Any]) -> bool:
    return all(type(value) is int for value in values)


async def health(request: Request) -> Response:
    if pool.SERVER is None:
        return JSONResponse({"status": "stopping"}, 503)
    facts = await asyncio.to_thread(pool.SERVER.health)
    status = "ok" if facts["workers"]["alive"] == pool.SERVER.size else "degraded"
    return JSONResponse({"status": status, **facts, "version": VERSION}, 200)


async def numbers(request: Request) -> Response:
    if pool.SERVER is None:
        return Response("", 503)
    facts = await asyncio.to_thread(pool.SERVER.health)
    return Response(metrics.text(metrics.samples(pool.SERVER, facts, TRAFFIC)), media_type=metrics.MEDIA_TYPE)


ROUTES: list[BaseRoute] = [
    WebSocketRoute("/live/socket", live),
    Route(f"/{PLOTLY}", plotly_file),
    Route("/live/{version}/{name:path}", component_file),
    Route("/healthz", health),
    Route("/metrics", numbers),
]
