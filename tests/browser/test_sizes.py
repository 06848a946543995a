"""What is in sight on a school laptop, usual and large screens and a phone, and that no text is cut off."""

from __future__ import annotations

import pytest

from data.sources.toy import TOYS
from tests.browser.playground import CENTER, PHONE, WAIT_S, Playground, eventually
from ui.session.lockable_parts import HIDEABLE

pytestmark = pytest.mark.browser

# The network, the map and the loss curve, which are the picture, and the sentence below them.
PICTURE = (".live-diagram-box", ".live-map", "[data-chart=loss]")
OUT_OF_SIGHT = """parts => parts.filter(part => {
  const { top, bottom, left, right, width } = document.querySelector(part).getBoundingClientRect();
  return !width || top < 0 || left < 0 || bottom > innerHeight || right > innerWidth;
})"""
OVERLAPPING = """parts => parts.flatMap((one, i) => parts.slice(i + 1).map(other => [one, other])).filter(pair => {
  const [a, b] = pair.map(part => document.querySelector(part).getBoundingClientRect());
  return a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
})"""
CUT = """() => [
  ...document.querySelectorAll('.live-diagram, .live-panel, .live-confusion th span'),
  ...document.querySelectorAll('.live-key, .live-value, .live-label'),
  ...document.querySelectorAll('.st-key-view_speed input')
].filter(part => part.checkVisibility())
  .filter(part => part.scrollWidth > part.clientWidth + 1 || part.getClientRects().length > 1)
  .map(part => part.value ?? part.textContent)"""
COVERED = """() => [...document.querySelectorAll(
  '[data-testid=stTopNavLink], nav button, .st-key-tools button, .st-key-bar button, .st-key-bar input'
)].filter(part => {
  const { left, top, width, height } = part.getBoundingClientRect();
  const isDrawn = part.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const isInSight = isDrawn && top >= 0 && top + height <= innerHeight;
  const found = document.elementFromPoint(left + width / 2, top + height / 2);
  return width && isInSight && !(part.contains(found) || found?.contains(part));
}).map(part => part.textContent || part.ariaLabel)"""
SIDEWAYS = """() => [document.documentElement, document.querySelector('[data-testid=stMain]')]
  .some(part => part.scrollWidth > innerWidth)"""
STAGE = """() => [...document.querySelectorAll('.live-diagram-box, .live-map, .live-curves')].flatMap(part => {
  const { x, y, width, height } = part.getBoundingClientRect();
  return [x, y, width, height].map(Math.round);
})"""

FOCUSABLE = """() => [
  ...document.querySelectorAll('a[href], button, input, select, textarea, [tabindex]')
].filter(part => {
  const { top, bottom, left, right, width } = part.getBoundingClientRect();
  const isInSight = width && bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
  return isInSight && part.tabIndex >= 0 && !part.disabled && part.checkVisibility({ visibilityProperty: true });
}).map(part => part.ariaLabel || part.textContent || part.tagName)"""
MOST_FOCUSABLE = 45  # controls in sight of the simple page, each a stop of the Tab key

LOSS = "document.querySelector('[data-chart=loss] .js-plotly-plot')"
SCROLLED = "() => document.querySelector('[data-testid=stMain]').scrollTop"


def resize(playground: Playground, width: int, height: int) -> None:
    playground.page.set_viewport_size({"width": width, "height": height})
    playground.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    playground.settle()


def check(playground: Playground, *parts: str) -> None:
    """Nothing of these is out of sight, and nothing on the page is covered, cut off or wider than the screen."""
    page = playground.page
    size = page.viewport_size
    eventually(lambda: not page.evaluate(OUT_OF_SIGHT, list(parts)), WAIT_S)  # the picture follows in the next frames
    assert page.evaluate(OUT_OF_SIGHT, list(parts)) == [], size
    assert page.evaluate(OVERLAPPING, list(parts)) == [], size
    page.wait_for_function(f"() => !({CUT})().length")
    page.wait_for_function(f"() => !({COVERED})().length")
    assert not page.evaluate(SIDEWAYS), size


def test_the_picture_is_in_sight_on_every_screen(playground):
    page = playground.page
    playground.open("controls=simple")
    step, help = playground.button("Step"), page.get_by_role("tooltip")
    step.hover()
    help.wait_for()
    button, box = (part.bounding_box() or {} for part in (step, help))
    assert box["y"] > button["y"] + button["height"]  # above are the links to the other pages
    playground.press("Presets")
    page.mouse.move(0, 0)
    help.wait_for(state="detached")
    playground.button("Presets").hover()
    help.wait_for()
    page.get_by_role("menuitem").first.click(trial=True)  # its help does not cover the menu
    page.keyboard.press("Escape")
    page.mouse.move(0, 0)
    help.wait_for(state="detached")
    for width, height in ((1366, 650), (1280, 600), (1400, 900), (1920, 1080), (2560, 1440)):
        resize(playground, width, height)
        check(playground, *PICTURE, ".live-words-row", ".st-key-top")
        if (width, height) == (1400, 900):
            focusable = page.evaluate(FOCUSABLE)
            assert len(focusable) <= MOST_FOCUSABLE, focusable
    for width in (1320, 1200, 1120, 1024, 900, 700):
        resize(playground, width, 800)
        check(playground)
    resize(playground, 1366, 650)
    for toy in TOYS:  # chosen by their pictures
        page.get_by_role("radio", name=toy.label, exact=True).click()
        playground.linked(dataset=None if toy.name == "circle" else toy.name)
    check(playground, *PICTURE, ".live-words-row", ".st-key-top")
    page.get_by_role("radio", name="Everything", exact=True).click()
    playground.linked(controls="everything")
    check(playground, *PICTURE, ".st-key-top")
    page.get_by_role("radio", name="Simple", exact=True).click()
    playground.linked(controls=None)
    playground.switch("Projector")
    playground.linked(projector="true")
    for width, height in ((1024, 768), (1366, 768), (1920, 1080)):
        resize(playground, width, height)
        check(playground, *PICTURE, ".st-key-transport", ".st-key-drawer")
    playground.open("projector=true&controls=everything")
    resize(playground, 1024, 768)
    check(playground, *PICTURE, ".st-key-drawer")
    tops = [page.locator(f".st-key-{key}").bounding_box() or {} for key in ("play", "drawer")]
    assert tops[1]["y"] < tops[0]["y"] + tops[0]["height"]  # in one row
    for width in (1280, 1440, 1536, 1700):
        resize(playground, width, 800)
        check(playground)


def test_a_phone_shows_the_map_first_and_a_finger_scrolls(playground):
    page = playground.page
    page.set_viewport_size(PHONE)
    playground.open("speed=max&controls=simple")
    check(playground, ".live-status", ".live-map")
    assert page.evaluate(OUT_OF_SIGHT, ["[data-chart=loss]"])
    playground.play()
    playground.pause()
    box = page.get_by_role("combobox", name="Data set", exact=True)
    assert not box.is_visible()
    playground.press("Settings")
    box.wait_for()
    assert page.evaluate(OUT_OF_SIGHT, [".st-key-sources"]) == []
    playground.choose("Data set", "Two moons")
    playground.linked(dataset="moons")
    playground.press("Settings")
    box.wait_for(state="hidden")
    for width in (360, 390, 430):
        resize(playground, width, 780)
        check(playground)
    plot = page.locator("[data-chart=loss] .nsewdrag")
    plot.evaluate(CENTER)
    before, box = page.evaluate(SCROLLED), plot.bounding_box() or {}
    finger = playground.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for kind, down in (("Start", 0), *(("Move", 10 * i) for i in range(1, 9)), ("End", None)):
        places = [] if down is None else [{"x": x, "y": y + down}]
        finger.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": places})
    page.wait_for_function(f"before => ({SCROLLED})() < before - 40", arg=before)
    assert playground.page.evaluate(f"{LOSS}._fullLayout.yaxis.autorange")
    playground.open(f"controls=simple&hide={','.join(set(HIDEABLE) - {'transport', 'diagram'})}")
    assert playground.button("Play").is_visible()
    for part in (".live-sheet", ".live-facts", ".live-details"):  # there is nothing to set, and nothing to read
        page.locator(part).first.wait_for(state="hidden")
    check(playground, ".live-map")
    resize(playground, 1366, 650)
    readout, state = (page.locator(part).bounding_box() or {} for part in (".live-readout", ".live-said"))
    assert readout["width"] < 1.5 * state["width"]  # no hole
    check(playground, ".live-diagram-box", ".live-map")
    playground.open("controls=simple&title=Find+the+rate&task=Reach+a+loss+of+0.1&lock=data")
    check(playground, *PICTURE, ".live-words-row")


@pytest.mark.everything
def test_nothing_moves_or_is_cut_off(playground):
    page = playground.page
    playground.open("dataset=xor&speed=max")
    page.wait_for_function(f"() => !({CUT})().length")
    stage = page.evaluate(STAGE)
    playground.play()
    playground.until("facts.epoch > 100")
    assert page.evaluate(STAGE) == stage
    playground.choose("Data set", "Three spirals")
    page.get_by_text("third", exact=True).first.wait_for()
    page.wait_for_function(f"() => !({CUT})().length")
    assert page.evaluate(STAGE) == stage
    playground.press("Draw points")
    page.locator(".live-drawbar").wait_for()
    playground.settle()
    assert page.evaluate(STAGE) == stage
