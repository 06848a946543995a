"""The playground as a visitor uses it: open pages, press controls, read the screen."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    FilePayload,
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
OWN_PROBES = re.compile(r"/\w+/_stcore/(health|host-config)$")  # Streamlit probes these below the path of each page
SCREEN: ViewportSize = {"width": 1400, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
FORGET = """() => {
  if (location.protocol.startsWith('http')) for (const memory of [localStorage, sessionStorage]) memory.clear();
}"""
NOTE_TOKEN = """{  // the live socket offers its token as a protocol
  const Real = WebSocket;
  window.WebSocket = class extends Real {
    constructor(url, protocols) {
      super(url, protocols);
      if (String(url).includes('live/socket')) window.liveProtocols = protocols;
    }
  };
}"""
STILL = """{  // Streamlit's placeholders move for as long as a page loads, and all of it is drawn again each time
  const still = new CSSStyleSheet();
  still.replaceSync(`*, ::before, ::after {
    animation-delay: 0s !important; animation-duration: 1ms !important; animation-iteration-count: 1 !important;
  }`);
  document.adoptedStyleSheets.push(still);
}"""
SENT = "() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))"  # a press has been sent
CENTER = """box => {
  box.scrollIntoView({ block: 'center' });
  return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""
VIEW = {"controls": "simple", "speed": "epoch"}  # of all links that tests open, unless they say otherwise
MENUS = {  # of the navigation: page -> the menu that holds it
    **dict.fromkeys(("Compare", "Runs", "Studies"), "Runs"),
    **dict.fromkeys(("Functions", "One step", "Optimizers", "Health", "Images"), "Learn"),
    **dict.fromkeys(("Device", "Help"), "More"),
}
WAIT_S = 30  # for one change of the page, on a busy machine
expect.set_options(timeout=WAIT_S * 1000)


class Playground:
    """One visitor with a separate browser context. Errors of the page are collected in `errors`."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.url = url
        self.context: BrowserContext = browser.new_context(viewport=SCREEN)
        self.context.set_default_timeout(WAIT_S * 1000)
        self.begin()

    def begin(self) -> None:
        """Open the browser's window."""
        self.page: Page = self.context.new_page()
        self.view = dict(VIEW)
        self.errors: list[str] = []
        self.sockets: list[WebSocket] = []  # to the live frames, the newest last
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self.note_error)
        for script in (NOTE_TOKEN, STILL):
            self.page.add_init_script(script)
        self.script_run = ScriptRun()
        self.page.on("websocket", self.follow_socket)

    @property
    def token(self) -> str:
        """Of the run whose frames the page asks for."""
        return self.page.evaluate("liveProtocols[1]")

    def note_error(self, message: ConsoleMessage) -> None:
        """Collect the errors that the page reports."""
        if message.type == "error" and not OWN_PROBES.search(message.location["url"]):
            self.errors.append(message.text)

    def follow_socket(self, socket: WebSocket) -> None:
        """Follow a new connection: to the live frames, or to Streamlit."""
        if "live/socket" in socket.url:
            self.sockets.append(socket)
        elif "_stcore/stream" in socket.url:
            self.script_run = ScriptRun(socket)

    def leave(self, server: str) -> None:
        """Go to a page of a running server where nothing happens, and forget this visitor.

        The tab stays open because a closed tab loses the scripts that it has compiled.
        """
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
        self.context.clear_cookies()  # they would restore a saved run

    def come_back(self) -> Playground:
        """A new visitor in the same window."""
        if self.page.is_closed():
            self.begin()
        self.view = dict(VIEW)
        self.errors.clear()
        self.sockets.clear()
        self.script_run = ScriptRun()
        return self

    def open(self, query: str = "", path: str = "") -> Playground:
        """Go to a link and wait for the first painted frame."""
        fields = dict(parse_qsl(query, keep_blank_values=True))
        view = urlencode({name: value for name, value in self.view.items() if name not in fields})
        self.page.goto(f"{self.url}{path}?{'&'.join(filter(None, (view, query)))}")
        self.until("facts.frame > 0", 2 * WAIT_S)
        self.settle()
        return self

    def open_page(self, title: str, query: str = "") -> Playground:
        """Go to a page by its address, without visiting the playground first, and wait until it is drawn."""
        self.page.goto(f"{self.url}{path_of(title)}{'?' + query if query else ''}")
        self.page.get_by_role("heading", name=title, exact=True).first.wait_for()
        self.settle()
        return self

    # Reading ---------------------------------------------------------------------------------------------------------

    @property
    def facts(self) -> dict[str, str]:
        return self.page.evaluate(FACTS)

    @property
    def link(self) -> dict[str, str]:
        """The fields of the address bar, without what `open` adds to all links."""
        return without_view(dict(parse_qsl(self.page.evaluate("location.search.slice(1)"), keep_blank_values=True)))

    @property
    def status_line(self) -> str:
        """The numbers and the state beside the buttons, and the sentence below the picture."""
        return "\n".join(self.page.locator(part).inner_text() for part in (".live-status", ".live-notice"))

    def pixels(self, canvas: str) -> int:
        """A checksum of what a canvas shows."""
        return self.page.locator(canvas).evaluate(SUM)

    def tag(self) -> None:
        """Remember the DOM nodes of the live view."""
        self.until("document.querySelectorAll('.js-plotly-plot svg.main-svg').length >= 6")
        self.page.get_by_test_id("live").evaluate(f"root => {{ window.tagged = ({PARTS})(root); }}")

    def remounted_parts(self) -> int:
        """How many DOM nodes of the live view have been replaced since `tag`."""
        parts = f"({PARTS})(root)"
        return self.page.get_by_test_id("live").evaluate(
            f"root => Math.max(tagged.length, {parts}.length) - {parts}.filter((part, i) => part === tagged[i]).length"
        )

    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def slider(self, label: str) -> Locator:
        return self.page.get_by_role("group", name=label, exact=True).get_by_role("slider")

    def options(self, label: str) -> list[str]:
        """The options of a select box."""
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
        """Pick an option of a select box, in the middle of the screen: scrolling and script runs close an open list."""
        self.settle()
        box = self.page.get_by_role("combobox", name=label, exact=True)
        box.evaluate(CENTER)
        box.click()
        listed = self.page.get_by_role("listbox").get_by_role("option", name=option, exact=True)
        listed.click()
        try:
            listed.wait_for(state="detached", timeout=1000 * WAIT_S / 10)
        except TimeoutError:  # a list that moves as it opens ignores a press
            listed.click()

    def slide(self, label: str, *keys: str) -> None:
        """Move a slider by keys such as ArrowRight or End; a script run may have taken the focus away before each."""
        for key in keys:
            self.slider(label).press(key)

    def enter(self, label: str, value: object) -> None:
        """Type a number into its box."""
        box = self.page.get_by_role("spinbutton", name=label, exact=True)
        box.fill(str(value))
        box.press("Enter")

    def tick(self, label: str) -> None:
        """Set or clear a check box."""
        self.page.get_by_role("checkbox", name=label, exact=True).locator("xpath=ancestor::label").click()

    def switch(self, label: str) -> None:
        """Turn a switch on or off."""
        self.page.get_by_role("switch", name=label, exact=True).locator("xpath=ancestor::label").click()

    def unfold(self, name: str) -> None:
        """Open a popover, whose label may end with the number of active settings."""
        self.button(re.compile(rf"^{re.escape(name)}(: \d+)?$")).click()
        self.page.get_by_test_id("stPopoverBody").wait_for()
        self.settle()

    def fold(self) -> None:
        """Close the popover."""
        self.page.keyboard.press("Escape")
        self.page.get_by_test_id("stPopoverBody").wait_for(state="hidden")

    def recolor(self, scheme: str) -> None:
        """Change the color scheme of the system and wait until the page follows."""
        self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        self.page.wait_for_function(
            "scheme => getComputedStyle(document.querySelector('.stApp')).colorScheme === scheme "
            "&& [undefined, scheme].includes(document.querySelector('.live')?.dataset.theme)",
            arg=scheme,
        )
        self.settle()

    def go(self, page: str) -> None:
        """Follow a link of the navigation bar and wait until the page is drawn."""
        self.settle()
        navigation = self.page.get_by_role("navigation")
        if page in MENUS:
            navigation.get_by_role("button", name=MENUS[page], exact=True).click()
            self.page.get_by_role("menuitem", name=page, exact=True).click()
        else:
            navigation.get_by_role("link", name=page, exact=True).click()
        if page == "Playground":
            self.until("facts.frame > 0")
        else:
            self.page.get_by_role("heading", name=page, exact=True).first.wait_for()
        self.settle()

    def upload(self, name: str, content: bytes, box: int = 0) -> None:
        """Put a file into one of the upload boxes of the page, counted from the top."""
        self.settle()  # a page that is still being drawn would replace the box
        file: FilePayload = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        self.page.locator("input[type=file]").nth(box).set_input_files(file)

    def download(self, button: str) -> bytes:
        """Press a download button; returns the content of the file."""
        with self.page.expect_download() as caught:
            self.press(button)
        return caught.value.path().read_bytes()

    def click_link(self) -> None:
        """Click the line from the first neuron of the second layer to the output, halfway."""
        ends = [self.button(name).bounding_box() for name in ("Neuron 1 of layer 2", "Output")]
        start, end = (box or {} for box in ends)
        x = (start["x"] + start["width"] + end["x"]) / 2
        y = (start["y"] + start["height"] / 2 + end["y"] + end["height"] / 2) / 2
        self.page.mouse.click(x, y)

    # Waiting ---------------------------------------------------------------------------------------------------------

    def until(self, condition: str, seconds: float = WAIT_S) -> dict[str, str]:
        """Wait until a condition on the live facts holds, such as "facts.epoch > 5"; returns those facts."""
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

    def reads(self, text: str) -> None:
        """Wait until the main part of the page holds a text and no script run is pending."""
        self.page.get_by_test_id("stMain").get_by_text(text).first.wait_for()
        self.settle()

    def linked(self, **fields: str | None) -> None:
        """Wait until the link holds these fields (None: lacks the field) and the page is drawn."""
        self.page.wait_for_function(
            "fields => { const link = new URL(location).searchParams; "
            "return Object.entries(fields).every(([name, value]) => link.get(name) === value); }",
            arg=fields,
        )
        self.settle()

    def until_pixels(self, canvas: str, condition: Callable[[int], bool]) -> None:
        """Wait until the checksum of a canvas meets a condition."""
        assert eventually(lambda: condition(self.pixels(canvas)), WAIT_S), f"{canvas} does not show what it should"

    def settle(self) -> None:
        """Wait until no script run is pending and no element is a placeholder.

        The first page of a browser compiles Streamlit's scripts meanwhile.
        """
        assert eventually(lambda: self.page.evaluate(SENT) or self.script_run.state == "done", 2 * WAIT_S)
        self.page.wait_for_function(
            "() => document.querySelector('[data-test-script-state=notRunning]') "
            "&& !document.querySelector('[data-testid=stSkeleton], [data-untold]')",
            timeout=2 * WAIT_S * 1000,
        )

    def answers(self, count: int) -> None:
        """Wait until `count` more answers of the live socket are painted, whether they hold changes or not.

        The first answer may belong to a request from before the last action; the second does not.
        """
        for _ in range(count):
            self.sockets[-1].wait_for_event(
                "framereceived", lambda message: isinstance(message, bytes), timeout=WAIT_S * 1000
            )
        self.page.evaluate("() => new Promise(requestAnimationFrame)")

    def play(self) -> None:
        self.press("Play")
        self.until("facts.status === 'running'")

    def pause(self) -> None:
        self.press("Pause")
        self.until("facts.status === 'paused'")

    def step(self, epoch: int) -> dict[str, str]:
        """Press Step; returns the facts once that epoch is shown."""
        self.press("Step")
        return self.until(f"facts.epoch == {epoch} && facts.status !== 'running'")

    def close(self) -> None:
        self.context.close()


def without_view(fields: dict[str, str]) -> dict[str, str]:
    """The fields of a link without what `Playground.open` adds to all links: `controls` may have either value."""
    return {name: value for name, value in fields.items() if name != "controls" and VIEW.get(name) != value}


def path_of(title: str) -> str:
    """The path of a page in its address."""
    return "keep" if title == "Save" else title.lower().replace(" ", "_")


def some(facts: dict[str, str], *names: str) -> dict[str, str]:
    return {name: facts[name] for name in names}


def eventually(condition: Callable[[], Any], seconds: float) -> Any:
    """Poll a condition outside the page until it holds; returns its last value after `seconds`."""
    end = time.monotonic() + seconds
    while not (answer := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return answer
