"""The playground as a person at a browser sees it: go somewhere, press something, read what the screen says."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    TimeoutError,
    ViewportSize,
    WebSocket,
    expect,
)

from tests.browser.script_run import ScriptRun

FACTS = "() => ({...document.querySelector('[data-testid=live]').dataset})"
SUM = """canvas => {
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  return pixels.reduce((sum, value) => (sum * 31 + value) >>> 0, canvas.width);
}"""
PARTS = """root => [root, ...root.querySelectorAll('canvas, .js-plotly-plot, svg.main-svg, section, table')]"""
ITSELF = re.compile(r"/\w+/_stcore/(health|host-config)$")  # where Streamlit looks for itself below a page, too
SCREEN: ViewportSize = {"width": 1400, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
FORGET = """() => {
  if (location.protocol.startsWith('http')) for (const memory of [localStorage, sessionStorage]) memory.clear();
}"""
SENT = "() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))"  # to Streamlit, what was pressed
PATIENCE = 30  # seconds that one press or one change of the page may take on a busy machine
expect.set_options(timeout=PATIENCE * 1000)


class Playground:
    """One visitor with a browser of their own. Errors of the page are collected in `errors`."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.url = url
        self.context: BrowserContext = browser.new_context(viewport=SCREEN)
        self.context.set_default_timeout(PATIENCE * 1000)
        self.begin()

    def begin(self) -> None:
        """Open the browser's window."""
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.sockets: list[WebSocket] = []  # to the live frames, the newest last
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self.hear)
        self.script_run = ScriptRun()
        self.page.on("websocket", self.meet)

    def hear(self, message: ConsoleMessage) -> None:
        """Note what the page reports as an error."""
        if message.type == "error" and not ITSELF.search(message.location["url"]):
            self.errors.append(message.text)

    def meet(self, socket: WebSocket) -> None:
        """The page opens a connection: to the live frames, or to Streamlit."""
        if "live/socket" in socket.url:
            self.sockets.append(socket)
        elif "_stcore/stream" in socket.url:
            self.script_run = ScriptRun(socket)

    def leave(self, server: str) -> None:
        """Go to a page where nothing happens, of a server that runs: this tab keeps the scripts that it has compiled.
        A tab that is closed loses them, though its browser stays."""
        for page in self.context.pages:
            if page is not self.page:
                page.close()
        if not self.page.is_closed():
            self.page.evaluate(FORGET)
            self.page.unroute_all(behavior="ignoreErrors")
            self.page.goto(f"{server}healthz")
            self.page.mouse.move(0, 0)
            self.page.set_viewport_size(SCREEN)
            self.page.emulate_media(color_scheme="light")
        self.context.clear_cookies()  # by which a run that was kept is found again

    def come_back(self) -> Playground:
        """Another visitor at the same window."""
        if self.page.is_closed():
            self.begin()
        self.errors.clear()
        self.sockets.clear()
        self.script_run = ScriptRun()
        return self

    def open(self, query: str = "", path: str = "") -> Playground:
        """Go to a link and wait for the first painted frame."""
        self.page.goto(f"{self.url}{path}{'?' + query if query else ''}")
        self.until("facts.frame > 0", 2 * PATIENCE)
        self.settle()
        return self

    def come(self, title: str, query: str = "") -> Playground:
        """Go to another page by its address, without a look at the playground first, and wait until it is drawn."""
        path = "keep" if title == "Save" else title.lower().replace(" ", "_")
        self.page.goto(f"{self.url}{path}{'?' + query if query else ''}")
        self.page.get_by_role("heading", name=title, exact=True).first.wait_for()
        self.settle()
        return self

    # Reading ---------------------------------------------------------------------------------------------------------

    @property
    def facts(self) -> dict[str, str]:
        return self.page.evaluate(FACTS)

    @property
    def link(self) -> dict[str, str]:
        """The fields of the address bar."""
        return dict(parse_qsl(self.page.evaluate("location.search.slice(1)"), keep_blank_values=True))

    @property
    def said(self) -> str:
        """The line of text under the buttons, for eyes and screen readers."""
        return self.page.get_by_test_id("live-status").inner_text()

    def pixels(self, canvas: str) -> int:
        """A checksum of what a canvas shows."""
        return self.page.locator(canvas).evaluate(SUM)

    def tag(self) -> None:
        """Remember every part of the live view as it is in the document now."""
        self.until("document.querySelectorAll('.js-plotly-plot svg.main-svg').length >= 6")
        self.page.get_by_test_id("live").evaluate(f"root => {{ window.tagged = ({PARTS})(root); }}")

    def mounted_anew(self) -> int:
        """How many parts of the live view are no longer those that were tagged."""
        parts = f"({PARTS})(root)"
        return self.page.get_by_test_id("live").evaluate(
            f"root => Math.max(tagged.length, {parts}.length) - {parts}.filter((part, i) => part === tagged[i]).length"
        )

    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def slider(self, label: str) -> Locator:
        return self.page.get_by_role("group", name=label, exact=True).get_by_role("slider")

    def options(self, label: str) -> list[str]:
        """What a select box offers."""
        self.page.get_by_role("combobox", name=label, exact=True).click()
        self.page.get_by_role("listbox").get_by_role("option").first.wait_for()
        options = self.page.get_by_role("listbox").get_by_role("option").all_inner_texts()
        self.page.keyboard.press("Escape")
        self.page.get_by_role("listbox").get_by_role("option").first.wait_for(state="detached")
        return options

    # Doing -----------------------------------------------------------------------------------------------------------

    def press(self, name: str) -> None:
        self.button(name).click()

    def choose(self, label: str, option: str) -> None:
        """Pick an option of a select box; one that is drawn anew meanwhile would close its list."""
        self.settle()
        self.page.get_by_role("combobox", name=label, exact=True).click()
        self.page.get_by_role("listbox").get_by_role("option", name=option, exact=True).click()

    def slide(self, label: str, *keys: str) -> None:
        """Move a slider by keys such as ArrowRight or End."""
        self.slider(label).focus()
        for key in keys:
            self.page.keyboard.press(key)

    def enter(self, label: str, value: object) -> None:
        """Write a number into its box."""
        box = self.page.get_by_role("spinbutton", name=label, exact=True)
        box.fill(str(value))
        box.press("Enter")

    def tick(self, label: str) -> None:
        """Set or clear a check box."""
        self.page.get_by_role("checkbox", name=label, exact=True).locator("xpath=ancestor::label").click()

    def unfold(self, name: str) -> None:
        """Open a popover, whose button may count what is in force inside."""
        self.button(re.compile(rf"^{re.escape(name)}(: \d+)?$")).click()
        self.page.get_by_test_id("stPopoverBody").wait_for()
        self.settle()

    def fold(self) -> None:
        """Close the popover."""
        self.page.keyboard.press("Escape")
        self.page.get_by_test_id("stPopoverBody").wait_for(state="hidden")

    def recolor(self, scheme: str) -> None:
        """The system changes to light or dark, and the page follows."""
        self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        self.page.wait_for_function(
            "scheme => getComputedStyle(document.querySelector('.stApp')).colorScheme === scheme "
            "&& [undefined, scheme].includes(document.querySelector('.live')?.dataset.theme)",
            arg=scheme,
        )
        self.settle()

    def go(self, page: str) -> None:
        """Follow a link of the navigation bar."""
        self.settle()
        self.page.get_by_role("navigation").get_by_role("link", name=page, exact=True).click()

    # Waiting ---------------------------------------------------------------------------------------------------------

    def until(self, condition: str, seconds: float = PATIENCE) -> dict[str, str]:
        """Wait until a condition on the live facts holds, such as "facts.epoch > 5"; the facts of that moment."""
        try:
            handle = self.page.wait_for_function(
                "() => { const facts = document.querySelector('[data-testid=live]')?.dataset; "
                f"return facts && ({condition}) && {{...facts}}; }}",
                timeout=seconds * 1000,
            )
        except TimeoutError as late:
            live = self.facts if self.page.get_by_test_id("live").count() else None
            app = self.page.evaluate("() => ({...document.querySelector('[data-testid=stApp]')?.dataset})")
            raise AssertionError(f"Not so after {seconds} s: {condition}\n{live}\n{app}") from late
        return handle.json_value()

    def linked(self, **fields: str | None) -> None:
        """Wait until the address bar holds these fields (None: does not hold the field at all) and all is drawn."""
        self.page.wait_for_function(
            "fields => { const link = new URL(location).searchParams; "
            "return Object.entries(fields).every(([name, value]) => link.get(name) === value); }",
            arg=fields,
        )
        self.settle()

    def until_pixels(self, canvas: str, condition: Callable[[int], bool]) -> None:
        """Wait until the checksum of what a canvas shows fulfils a condition."""
        assert eventually(lambda: condition(self.pixels(canvas)), PATIENCE), f"{canvas} does not show what it should"

    def settle(self) -> None:
        """Wait until no script run is under way or due and no part is a placeholder: what was pressed is shown."""
        assert eventually(lambda: self.page.evaluate(SENT) or self.script_run.state == "done", PATIENCE)
        self.page.wait_for_function(
            "() => document.querySelector('[data-test-script-state=notRunning]') "
            "&& !document.querySelector('[data-testid=stSkeleton], [data-untold]')"
        )

    def answers(self, count: int) -> None:
        """Wait until so many more answers of the live socket, changed or not, are painted.

        The first may have been asked for before what was just done: the second knows of it.
        """
        for _ in range(count):
            self.sockets[-1].wait_for_event(
                "framereceived", lambda message: isinstance(message, bytes), timeout=PATIENCE * 1000
            )
        self.page.evaluate("() => new Promise(requestAnimationFrame)")

    def play(self) -> None:
        self.press("Play")
        self.until("facts.status === 'running'")

    def pause(self) -> None:
        self.press("Pause")
        self.until("facts.status === 'paused'")

    def step(self, epoch: int) -> dict[str, str]:
        """Press Step; the facts when that epoch is on the screen."""
        self.press("Step")
        return self.until(f"facts.epoch == {epoch} && facts.status !== 'running'")

    def close(self) -> None:
        self.context.close()


def some(facts: dict[str, str], *names: str) -> dict[str, str]:
    return {name: facts[name] for name in names}


def eventually(condition: Callable[[], Any], seconds: float) -> Any:
    """Ask something outside the page again and again until it is true; its last answer after so many seconds."""
    end = time.monotonic() + seconds
    while not (answer := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return answer
