"""What the server answers beside the page: the live socket, pictures, the component's files and its health."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from lab.protocol.errors import BadMessage
from lab.protocol.frames import pack
from lab.protocol.messages import (
    CLOSE_BAD_REQUEST,
    CLOSE_RUN_UNKNOWN,
    CLOSE_TOO_MANY,
    LIVE_PROTOCOL,
    LOST,
    Command,
    GetFrame,
    GetResponses,
    Reply,
    command_from_browser,
)
from lab.server import pool
from ui.components import PLOTLY, VERSION
from ui.server import metrics, pictures
from ui.server.static_assets import component_file, plotly_file
from ui.server.traffic import FASTEST_MS, TRAFFIC

CROWD_MS = 40  # between two frames of a visitor, from which on a moving map has a quarter of its points
SOONEST_S = 0.008  # between two frames of one visitor, however often they are asked for
LOST_FRAME = {"status": LOST, "unchanged": True, "frame": -1, "notice": "The training process is being restarted."}


async def live(socket: WebSocket) -> None:
    """Frames out, requests in: the browser asks for the next frame when it takes this one to paint it.

    It offers two subprotocols: LIVE_PROTOCOL, and the token of its run, which in an address would be in every log.
    """
    offered = socket.scope["subprotocols"]
    await socket.accept(LIVE_PROTOCOL if LIVE_PROTOCOL in offered else None)
    token = next((word for word in offered if word != LIVE_PROTOCOL), "")
    runs, told = pool.SERVER, FASTEST_MS
    if runs is None or token not in runs.runs:
        return await socket.close(CLOSE_RUN_UNKNOWN)
    if not TRAFFIC.enter(token, runs.limits.sockets_a_run):
        return await socket.close(CLOSE_TOO_MANY)
    try:
        while True:
            try:
                command = await receive(socket)
            except BadMessage:
                return await socket.close(CLOSE_BAD_REQUEST)
            begin = time.monotonic()
            if token not in runs.runs:
                return await socket.close(CLOSE_RUN_UNKNOWN)
            asks = isinstance(command, GetFrame)
            if asks and told >= CROWD_MS:
                command = replace(command, coarse=True)
            reply = await asyncio.wrap_future(runs.submit(token, command))
            match reply.error:
                case "" if asks:
                    await socket.send_bytes(pool.frame_bytes(reply))
                    TRAFFIC.answered(id(socket), time.monotonic() - begin)
                case "" if isinstance(command, GetResponses):
                    await socket.send_text(json.dumps({"responses": reply.header}))
                case "refused" if asks:
                    await socket.send_bytes(pack(_without_picture(reply)))
                case "" | "refused":
                    pass  # the next frame shows what it has done; a slider that is let go brings the sentence
                case "gone" | "fallen":
                    return await socket.close(CLOSE_RUN_UNKNOWN)
                case _:
                    await socket.send_bytes(pack(LOST_FRAME))
            limits = runs.limits
            if (interval := TRAFFIC.interval(limits.frames_a_second, limits.crowd_frames_a_second)) != told:
                told = interval
                await socket.send_text(json.dumps({"interval": told}))
            # Whoever does not listen gets three times as many frames, not all; a slider is followed at any time.
            soonest = max(SOONEST_S, interval / 3000) if asks else SOONEST_S
            await asyncio.sleep(max(0.0, begin + soonest - time.monotonic()))
    except WebSocketDisconnect:
        return None
    finally:
        TRAFFIC.leave(token, id(socket))


def _without_picture(refused: Reply) -> dict[str, Any]:
    """The header of a frame that cannot be made; the page says why and asks again."""
    status = {"status": refused.state.status} if refused.state else {}
    return {**status, "unchanged": True, "frame": -1, "problem": refused.sentence}


async def receive(socket: WebSocket) -> Command:
    """The next command. Raises BadMessage for anything that the page never sends."""
    try:
        return command_from_browser(await socket.receive_text())
    except KeyError:  # Starlette's: bytes, where text belongs
        raise BadMessage("allowed: text.") from None


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
    Route(f"/{pictures.ADDRESS}", pictures.picture),
    Route(f"/{PLOTLY}", plotly_file),
    Route("/live/{version}/{name:path}", component_file),
    Route("/healthz", health),
    Route("/metrics", numbers),
]
