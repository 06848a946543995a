"""A simulated student on the real server: Streamlit's own protocol for the page, the live socket for the frames.

It opens the page, finds its widgets in the server's messages, presses Play and moves sliders with the same messages
that a browser sends, so the server cannot tell the difference.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import struct
import time
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from lab.experiment.fields import FIELDS
from lab.protocol.messages import LIVE_PROTOCOL

OPEN_TIMEOUT_S = 60.0
SLIDER_INTERVAL_S = 3.0  # between two moves of the slider
OTHER_PAGE_INTERVAL_S = 20.0  # between two visits to another page
RESPONSES_INTERVAL_S = 0.12  # between two questions about response curves, as in ui/components/live/responses
CURVES = ("l2", "l1", "batch_size", "noise", "train_share", "clip_norm", "dropout")  # none of them is moved
FRAME_INTERVAL_S = 0.1  # between two frames, unless the server asks for more
WIDGETS = ("button", "slider", "button_group", "file_uploader")


@dataclass
class Tally:
    """Measurements of one student while `counts` is true."""

    counts: bool = False
    frames: list[float] = field(default_factory=list)  # seconds from request to frame
    slides: list[float] = field(default_factory=list)  # seconds from the slider to a frame with the new rate
    opened: float = 0.0  # seconds until the page was open
    steps: int = 0  # of training so far
    members: int = 0  # runs of response curves that have ended
    mistakes: list[str] = field(default_factory=list)


class Student:
    """group: how many runs its page trains beside the visible one after each move of the slider, as response curves."""

    def __init__(self, url: str, query: str, seed: int, group: int = 0) -> None:
        self.versions = dict.fromkeys(curves_of(group), "")  # of the curves that the page has
        self.runs = dict.fromkeys(self.versions, 0)
        self.url, self.query, self.random = url.replace("http", "ws"), query, random.Random(seed)
        self.tally = Tally()
        self.widgets: dict[str, tuple[Any, str]] = {}  # label -> its message and fragment
        self.pages: dict[str, str] = {}
        self.current_page = ""
        self.token, self.rate = "", 0.0
        self.ready, self.done = asyncio.Event(), asyncio.Event()
        self.sliding: tuple[float, float] | None = None  # the chosen rate and the time of the choice

    async def attend(self) -> None:
        """Open the page and use it until `done`. Errors are recorded, not raised."""
        begin = time.monotonic()
        try:
            async with connect(f"{self.url}_stcore/stream", subprotocols=["streamlit"], max_size=None) as page:  # type: ignore[list-item]
                reader = asyncio.create_task(self._read(page))
                await page.send(self._rerun())
                await asyncio.wait_for(self.ready.wait(), OPEN_TIMEOUT_S)
                self.tally.opened = time.monotonic() - begin
                async with self.connect_live() as live:
                    parts = [asyncio.create_task(part) for part in (self._request_frames(live), self._use_page(page))]
                    finished, _ = await asyncio.wait(
                        [*parts, asyncio.create_task(self.done.wait())], return_when=asyncio.FIRST_COMPLETED
                    )
                    for part in (*parts, reader):
                        part.cancel()
                    for task in finished:
                        if task.exception():
                            raise task.exception()  # type: ignore[misc]
        except (OSError, ConnectionClosed, KeyError, ValueError) as problem:
            self.tally.mistakes.append(f"{type(problem).__name__}: {problem}"[:100])

    def connect_live(self) -> connect:
        """The live socket of the run."""
        words = [Subprotocol(LIVE_PROTOCOL), Subprotocol(self.token)]
        return connect(f"{self.url}live/socket", subprotocols=words, max_size=None, compression=None)

    def _rerun(self, fragment: str = "", page: str = "", **widget: Any) -> bytes:
        """Run the page's script again; `widget` is one widget's new state."""
        message = BackMsg()
        run = message.rerun_script
        run.query_string, run.fragment_id, run.page_script_hash = self.query, fragment, page or self.current_page
        run.context_info.url = self.url.replace("ws", "http")
        if widget:
            state = run.widget_states.widgets.add()
            for name, value in widget.items():
                if isinstance(value, list):
                    getattr(state, name).data.extend(value)
                elif isinstance(value, Message):
                    getattr(state, name).CopyFrom(value)
                else:
                    setattr(state, name, value)
        return message.SerializeToString()

    async def _read(self, page: ClientConnection) -> None:
        """Read the server's messages."""
        message = ForwardMsg()
        async for raw in page:
            message.ParseFromString(raw)  # type: ignore[arg-type]
            self._take(message)

    def _take(self, message: ForwardMsg) -> None:
        """Remember the current page and its widgets."""
        match message.WhichOneof("type"):
            case "navigation":
                self.pages = {p.url_pathname: p.page_script_hash for p in message.navigation.app_pages}
            case "new_session":
                self.current_page = message.new_session.page_script_hash
            case "delta" if message.delta.WhichOneof("type") == "new_element":
                self._element(message.delta)
            case "script_finished" if self.token and "Play" in self.widgets:
                self.ready.set()

    def _element(self, delta: Any) -> None:
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind in WIDGETS:
            widget = type(getattr(element, kind))()
            widget.CopyFrom(getattr(element, kind))
            self.widgets[widget.label] = (widget, delta.fragment_id)
        elif kind == "bidi_component" and (text := element.bidi_component.json or element.bidi_component.mixed.json):
            self.token = json.loads(text).get("token", self.token)

    async def _request_frames(self, live: ClientConnection) -> None:
        """Ask for frames, as the live component does."""
        have = {"build": -1, "generation": -1, "have": 0, "frame": -1}
        interval, asked = FRAME_INTERVAL_S, 0.0
        while True:
            begin = time.monotonic()
            if self.versions and begin - asked > RESPONSES_INTERVAL_S:
                asked = begin
                await live.send(json.dumps({"type": "responses", "fields": self.versions, "begun": [], "maps": ""}))
            await live.send(json.dumps({"type": "frame", **have, "focus": None}))
            while isinstance(answer := await live.recv(), str):
                message = json.loads(answer)
                if "interval" in message:
                    interval = max(FRAME_INTERVAL_S, message["interval"] / 1000)
                else:
                    self._see_curves(message["responses"]["responses"])
            now, header = time.monotonic(), read_header(answer)
            self._see(answer, header, now, now - begin)
            if "history" in header:
                history = header["history"]
                have = {"build": header["build"], "generation": history["generation"], "have": history["count"],
                        "frame": header["frame"]}  # fmt: skip
            await asyncio.sleep(max(0.0, begin + interval - time.monotonic()))

    def _see_curves(self, curves: dict[str, Any]) -> None:
        """Count the runs that have ended since the latest answer; a curve that starts over has fewer than before."""
        for name, curve in curves.items():
            self.versions[name] = curve["version"]
            ended, before = curve.get("runs", 0), self.runs[name]
            self.runs[name] = ended
            if self.tally.counts:
                self.tally.members += ended - before if ended >= before else ended

    def _see(self, frame: bytes, header: dict[str, Any], now: float, seconds: float) -> None:
        """Measure a frame that came `seconds` after its request."""
        if self.tally.counts:
            self.tally.frames.append(seconds)
        if "history" in header:
            self.tally.steps, self.rate = max(self.tally.steps, header["step"]), header["learning_rate"]
            self._record_slide(now)

    def _record_slide(self, now: float) -> None:
        if self.sliding and abs(self.rate - self.sliding[0]) < 1e-9:
            if self.tally.counts:
                self.tally.slides.append(now - self.sliding[1])
            self.sliding = None

    async def _use_page(self, page: ClientConnection) -> None:
        """Press Play, then move the slider every few seconds and sometimes open another page."""
        button, fragment = self.widgets["Play"]
        await page.send(self._rerun(fragment, id=button.id, trigger_value=True))
        next_visit = time.monotonic() + self.random.uniform(0.5, 1) * OTHER_PAGE_INTERVAL_S
        await asyncio.sleep(self.random.uniform(0, SLIDER_INTERVAL_S))
        while True:
            slider, fragment = self.widgets["Learning rate"]
            rates = [float(text) for text in slider.options]
            others = [i for i, rate in enumerate(rates) if rate != self.rate and 0.001 <= rate <= 0.1]
            index = self.random.choice(others)
            if self.sliding:
                self.tally.mistakes.append("a move of the slider had no effect")
            self.sliding = rates[index], time.monotonic()
            await page.send(self._rerun(fragment, id=slider.id, string_array_value=[slider.options[index]]))
            await asyncio.sleep(SLIDER_INTERVAL_S)
            if time.monotonic() > next_visit and "help" in self.pages:
                next_visit = time.monotonic() + OTHER_PAGE_INTERVAL_S
                for name in ("help", ""):
                    await page.send(self._rerun(page=self.pages[name]))
                    await asyncio.sleep(0.7)


def curves_of(group: int) -> list[str]:
    """Fields whose response curves together have at least `group` values."""
    found: list[str] = []
    for name in CURVES:
        if sum(len(FIELDS[other].steps) for other in found) < group:
            found.append(name)
    return found


def read_header(frame: bytes) -> dict[str, Any]:
    """The header of a frame (lab/protocol/frames.py) without its arrays."""
    (length,) = struct.unpack_from("<I", frame, 4)
    with contextlib.suppress(ValueError):
        return json.loads(frame[8 : 8 + length])
    return {}
