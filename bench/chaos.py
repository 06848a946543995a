"""A lesson with faults: workers are killed and stopped at random while visitors play, reload, lose their connection
and upload tables. It measures what the visitors lose: their runs, their patience, or nothing."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import secrets
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import psutil
from streamlit.proto.Common_pb2 import FileUploaderState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from bench.serving import Server
from bench.student import Student
from lab.experiment.experiment import Experiment
from lab.protocol.frames import unpack
from lab.protocol.messages import CLOSE_RUN_UNKNOWN, LOST
from lab.training.run import Run

STUCK_S = 10.0  # without a frame
SAVED_S = 10.0  # of training, after which a run begins again at step 0 only if it was lost: 2 s, and a stop
PATIENCE_S = 70.0  # for a script run; the server itself gives up after 66
STOP_S = 4.0
KILLED = 0.75  # share of the faults; in the others a worker is stopped for STOP_S
BETWEEN_ACTS_S = (0.5, 3.0)
DROPPED_S = (1.0, 6.0)
RETRY_S = 0.3  # between two attempts to connect
WORKERS = 2
PAGES = ("functions", "health", "one_step", "data", "help")
PROBLEMS = (OSError, TimeoutError, WebSocketException)


def identity(frame: bytes) -> dict[str, Any]:
    """What a frame tells of the experiment behind it: its network, and its examples if the frame has them.

    The examples depend on the seed.
    """
    header, arrays = unpack(frame)
    facts = {name: header[name] for name in ("parameters", "train_samples", "classes")}
    if examples := [arrays[name].tobytes() for name in sorted(arrays) if name.startswith(("points_", "image"))]:
        facts["examples"] = hashlib.sha256(b"".join(examples)).hexdigest()[:8]
    return facts


def identity_of(query: str) -> dict[str, Any]:
    """The same of the experiment that a link names."""
    return identity(Run(Experiment.from_query(dict(parse_qsl(query)))[0]).frame())


class Browser:
    """Loads the page's address and uploads files; keeps the cookies."""

    def __init__(self, url: str) -> None:
        self.url, self.jar = url, CookieJar()
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar)).open

    def load(self) -> None:
        for path in ("", "_stcore/health"):
            self._open(self.url + path, timeout=PATIENCE_S).read()

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.name: cookie.value or "" for cookie in self.jar}

    def upload(self, session: str, name: str, content: bytes) -> FileUploaderState:
        """Returns the state of the uploader that has this file."""
        file, mark = secrets.token_hex(8), secrets.token_hex(8)
        head = f'--{mark}\r\nContent-Disposition: form-data; name="{file}"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{mark}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={mark}",
            "X-Xsrftoken": self.cookies["_streamlit_xsrf"],
        }
        address = f"{self.url}_stcore/upload_file/{session}/{file}"
        self._open(urllib.request.Request(address, body, headers, method="PUT"), timeout=PATIENCE_S).read()
        state = FileUploaderState()
        state.uploaded_file_info.add(file_id=file, name=name, size=len(content))
        return state


class Visitor(Student):
    """A student whose browser can be reloaded, loses its connection and uploads files.

    Notes each frame: whether the run is this visitor's, whether it went back, and how long the frame took to come.
    """

    page: ClientConnection
    reader: asyncio.Task[None]  # of the page
    watching: asyncio.Task[None]  # of the live socket

    def __init__(self, url: str, kind: Kind, number: int, seed: int) -> None:
        super().__init__(url, f"{kind.query}&seed={number + 1}", 1000 * seed + number)
        self.act, self.first, self.number = kind.act, kind.first, number
        self.browser = Browser(url)
        self.is_open, self.session = False, ""
        self.expected = identity_of(self.query)
        self.counts: Counter[str] = Counter()
        self.longest_wait_s = self.went_back_s = 0.0
        self.last: dict[str, Any] = {}  # header of the latest full frame
        self.last_frame = self.began = time.monotonic()  # latest frame; when the run was last at its beginning
        self.asked = False  # to begin again, and not answered yet
        self._turn = asyncio.Lock()  # one script run after the other
        self._ran = asyncio.Event()

    # The page --------------------------------------------------------------------------------------------------------

    async def attend(self) -> None:
        """Use the page until `done`."""
        self.last_frame = self.began = time.monotonic()
        while not self.done.is_set():
            try:
                if not self.is_open:
                    await self.open()
                if self.counts["acts"]:
                    await self.act(self)
                else:
                    await self.press(self.first)
                self.counts["acts"] += 1
                await asyncio.sleep(self.random.uniform(*BETWEEN_ACTS_S))
            except KeyError:  # the page shows a sentence, not its controls
                await asyncio.sleep(1)
                with contextlib.suppress(*PROBLEMS):
                    await self.run()
            except PROBLEMS as problem:
                self.tally.mistakes.append(f"{type(problem).__name__}: {problem}"[:100])
                await self.leave()
                await asyncio.sleep(1)
        await self.leave()

    async def open(self) -> None:
        """Load the page with the link in the address bar."""
        await asyncio.to_thread(self.browser.load)
        self.token = self.session = self.current_page = ""
        await self.connect()
        self.watching, self.is_open = asyncio.create_task(self._watch()), True
        await self.run()

    async def connect(self) -> None:
        """Open the page's socket, with the session of the one that was lost."""
        cookies = self.browser.cookies
        words = ["streamlit", cookies["_streamlit_xsrf"], *filter(None, [self.session])]
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        address = f"{self.url}_stcore/stream"
        self.page = await connect(address, additional_headers=headers, subprotocols=words, max_size=None)  # type: ignore[arg-type]
        self.reader = asyncio.create_task(self._read(self.page))

    async def leave(self) -> None:
        """Close the page."""
        if self.is_open:
            self.is_open = False
            self.watching.cancel()
            await asyncio.wait([self.watching])  # until its socket is closed
            await self.page.close()

    async def run(self, fragment: str = "", page: str = "", **widget: Any) -> None:
        """Run the script and wait for its end. Raises ConnectionError and TimeoutError."""
        async with self._turn:
            self._ran.clear()
            if not fragment:
                self.widgets.clear()
            await self.page.send(self._rerun(fragment, page, **widget))
            ran = asyncio.create_task(self._ran.wait())
            await asyncio.wait([ran, self.reader], timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
            if not ran.done():
                ran.cancel()
                raise ConnectionError("the page was closed") if self.reader.done() else TimeoutError("a script run")

    async def press(self, label: str) -> None:
        button, fragment = self.widgets[label]
        await self.run(fragment, id=button.id, trigger_value=True)

    async def _read(self, page: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            await super()._read(page)

    def _take(self, message: ForwardMsg) -> None:
        super()._take(message)
        match message.WhichOneof("type"):
            case "new_session":
                self.session = message.new_session.initialize.session_id or self.session
            case "page_info_changed":
                self.query = message.page_info_changed.query_string
            case "script_finished" if message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                self._ran.set()

    # What the visitors do --------------------------------------------------------------------------------------------

    async def move_slider(self) -> None:
        slider, fragment = self.widgets["Learning rate"]
        allowed = [text for text in slider.options if 0.001 <= float(text) <= 0.1]
        await self.run(fragment, id=slider.id, string_array_value=[self.random.choice(allowed)])

    async def step_or_reset(self) -> None:
        if self.random.random() < 0.85:
            return await self.press("Step")
        with self.beginning():
            await self.press("Reset")

    async def reload(self) -> None:
        if self.counts["reloads"] and self.random.random() < 0.5:
            return await self.move_slider()
        self.counts["reloads"] += 1
        await self.leave()
        await self.open()

    async def drop(self) -> None:
        """Lose the page's socket without a goodbye. The live socket stays, as behind some proxies."""
        if self.counts["drops"] and self.random.random() < 0.5:
            return await self.move_slider()
        self.counts["drops"] += 1
        self.page.transport.abort()
        await asyncio.sleep(self.random.uniform(*DROPPED_S))
        await self.connect()
        await self.run()

    async def upload_or_browse(self) -> None:
        if self.counts["uploads"] and self.random.random() < 0.8:
            for name in (self.random.choice(PAGES), ""):
                await self.run(page=self.pages[name])
            return
        await self.run(page=self.pages["data"])
        choice, fragment = self.widgets["Source of the examples"]
        await self.run(fragment, id=choice.id, string_array_value=["Your table"])
        box, fragment = self.widgets["A table in a text file"]
        file = await asyncio.to_thread(self.browser.upload, self.session, "table.csv", self._table())
        await self.run(fragment, id=box.id, file_uploader_state_value=file)
        with self.beginning():
            await self.press("Train on it")
            self.expected = {"classes": self._classes()}
        self.counts["uploads"] += 1
        await self.press("Play")

    def _classes(self) -> list[str]:
        return [f"{word} {self.number}" for word in ("high", "low")]

    def _table(self) -> bytes:
        """Two columns of numbers, and a class that bears the visitor's number."""
        high, low = self._classes()
        rows = [(self.random.random(), self.random.random()) for _ in range(200)]
        return "\n".join(["a,b,class", *(f"{a:.4f},{b:.4f},{high if a > b else low}" for a, b in rows)]).encode()

    @contextlib.contextmanager
    def beginning(self) -> Iterator[None]:
        """While it lasts, the run may begin again, with other data as well."""
        self.asked = True
        try:
            yield
        finally:
            self.last, self.began, self.asked = {}, time.monotonic(), False

    # What they see ---------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Ask for frames, as the live component does, over one connection after the other."""
        while True:
            with contextlib.suppress(*PROBLEMS):
                if self.token:
                    async with self.connect_live() as s:
                        try:
                            await self._request_frames(s)
                        except ConnectionClosed as closed:
                            if closed.rcvd and closed.rcvd.code == CLOSE_RUN_UNKNOWN:
                                await self.run()
            await asyncio.sleep(RETRY_S)

    def _see(self, frame: bytes, header: dict[str, Any], now: float, seconds: float) -> None:
        super()._see(frame, header, now, seconds)
        if header["status"] == LOST:
            return
        self.counts["frames"] += 1
        wait, self.last_frame = now - self.last_frame, now
        self.longest_wait_s = max(self.longest_wait_s, wait)
        if wait > STUCK_S:
            self._fault("stuck", f"no frame for {wait:.1f} s")
        if self.asked or "history" not in header:
            return
        before, self.last = self.last, header
        if header["build"] != before.get("build"):
            found = identity(frame)
            if wrong := [name for name, value in self.expected.items() if found.get(name, value) != value]:
                self._fault("wrong_runs", f"{wrong[0]} is {found[wrong[0]]}, not {self.expected[wrong[0]]}")
        if before and header["step"] < before["step"]:
            if header["step"] == 0 and now - self.began > SAVED_S:
                self._fault("lost_runs", f"it began again after epoch {before['epoch']}")
            elif header["build"] != before["build"]:
                self.went_back_s = max(self.went_back_s, before["seconds"] - header["seconds"])
        if header["status"] == "stopped" != before.get("status"):  # no link has a stop rule
            self._fault("stopped_runs", header["notice"])
        if header["step"] == 0:
            self.began = now

    def _fault(self, name: str, what: str) -> None:
        self.counts[name] += 1
        print(f"{time.strftime('%X')} {name}: visitor {self.number}, {self.query}: {what}", file=sys.stderr)


class Kind(NamedTuple):
    """A kind of visitor. first: the button that is pressed first. act: what such a visitor does every few seconds."""

    act: Callable[[Visitor], Awaitable[None]]
    query: str
    first: str = "Play"


WORKLOADS = {
    "play": Kind(Visitor.move_slider, "dataset=circle&hidden=8,8&speed=fast"),
    "step": Kind(Visitor.step_or_reset, "dataset=xor&hidden=4,2", first="Step"),
    "reload": Kind(Visitor.reload, "dataset=spiral&hidden=8,8&speed=max"),
    "drop": Kind(Visitor.drop, "dataset=moons&hidden=6,4"),
    "upload": Kind(Visitor.upload_or_browse, "dataset=gauss&hidden=6"),
    "digits": Kind(Visitor.move_slider, "dataset=digits&hidden=64&optimizer=adam&learning_rate=0.001&speed=max"),
    "heavy": Kind(Visitor.move_slider, "dataset=circle&samples=20000&hidden=256,256&batch_size=0"),
}
CLASS = (  # the kinds of fifteen visitors, in the order in which they come
    *("play", "step", "reload", "drop", "upload", "digits", "heavy"),
    *("play", "step", "reload", "drop", "upload", "digits", "reload", "drop"),
)


def measure(
    workloads: Sequence[str], minutes: float = 10.0, seed: int = 1, visitors: int = len(CLASS), every_s: float = 20.0
) -> list[dict[str, Any]]:
    """One row. workloads: kinds of visitors that come. every_s: from one fault to the next."""
    kinds = [WORKLOADS[name] for name in CLASS if name in workloads]
    with tempfile.TemporaryDirectory() as folder:
        server = Server(log=Path(folder) / "log", PLAYGROUND_WORKERS=str(WORKERS))
        try:
            people = [Visitor(server.url, kinds[n % len(kinds)], n, seed) for n in range(visitors)]
            faults, usage = asyncio.run(_lesson(psutil.Process(server.process.pid), people, minutes, seed, every_s))
        finally:
            server.stop()
        log = (Path(folder) / "log").read_text(errors="replace")
    return [_row(people, minutes, faults, usage, log)]


async def _lesson(
    server: psutil.Process, people: list[Visitor], minutes: float, seed: int, every_s: float
) -> tuple[Counter[str], dict[str, float]]:
    """The faults that happened, and what the server used at the start and the end."""
    tasks = [asyncio.create_task(visitor.attend()) for visitor in people]
    await _wait(lambda: all(visitor.counts["frames"] for visitor in people))
    end = time.monotonic() + 60 * minutes
    early = asyncio.create_task(_usage(server, "start", after_s=60 * minutes / 4))  # all is loaded by then
    faults = await _disturb(server, random.Random(seed), end, every_s)
    await asyncio.sleep(end - time.monotonic())
    await _wait(lambda: all(visitor.last_frame > end and visitor.counts["acts"] > 1 for visitor in people))
    usage = await early | await _usage(server, "end")
    for visitor in people:
        now = time.monotonic()
        visitor.longest_wait_s = max(visitor.longest_wait_s, now - visitor.last_frame)
        visitor.done.set()
    await asyncio.gather(*tasks)
    return faults, usage


async def _wait(condition: Callable[[], bool]) -> None:
    """Until it is true, but not forever."""
    end = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < end:
        await asyncio.sleep(0.1)


async def _disturb(server: psutil.Process, choice: random.Random, end: float, every_s: float) -> Counter[str]:
    """Kill a worker, or stop it for a while, until the end."""
    faults: Counter[str] = Counter()
    while time.monotonic() + every_s < end:
        await asyncio.sleep(every_s)
        number, kills = choice.randrange(WORKERS), choice.random() < KILLED
        with contextlib.suppress(psutil.NoSuchProcess, IndexError):  # one that is being restarted anyway
            worker = _workers(server)[number]
            if kills:
                worker.kill()
                faults["kills"] += 1
                continue
            worker.suspend()
            faults["stops"] += 1
            try:
                await asyncio.sleep(STOP_S)
            finally:
                worker.resume()
    return faults


def _workers(server: psutil.Process) -> list[psutil.Process]:
    found = []
    for child in server.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "lab.worker" in child.cmdline():
                found.append(child)
    return found


async def _usage(server: psutil.Process, when: str, after_s: float = 0.0) -> dict[str, float]:
    """Memory of the server and its workers; threads and open files of the server."""
    await asyncio.sleep(after_s)
    memory = server.memory_info().rss
    for worker in _workers(server):
        with contextlib.suppress(psutil.NoSuchProcess):
            memory += worker.memory_info().rss
    figures = {"memory_mb": memory / 1e6, "threads": server.num_threads(), "descriptors": server.num_fds()}
    return {f"{name}_{when}": value for name, value in figures.items()}


def _row(
    people: list[Visitor], minutes: float, faults: Counter[str], usage: dict[str, float], log: str
) -> dict[str, Any]:
    mistakes = Counter(mistake for visitor in people for mistake in visitor.tally.mistakes)
    for mistake, number in mistakes.items():
        print(f"{number} x {mistake}", file=sys.stderr)
    if "Traceback" in log:
        print(log[max(0, log.index("Traceback") - 500) :][:5000], file=sys.stderr)
    counts = sum((visitor.counts for visitor in people), Counter())
    waits = [visitor.longest_wait_s for visitor in people]
    return {
        "visitors": len(people),
        "minutes": minutes,
        **{name: faults[name] for name in ("kills", "stops")},
        **{name: counts[name] for name in ("reloads", "drops", "uploads", "frames")},
        **{name: counts[name] for name in ("lost_runs", "wrong_runs", "stopped_runs")},
        "stuck": sum(wait > STUCK_S for wait in waits),
        "longest_wait_s": max(waits),
        "went_back_s": max(visitor.went_back_s for visitor in people),
        "mistakes": mistakes.total(),
        "tracebacks": log.count("Traceback"),
        **dict(sorted(usage.items())),
    }
