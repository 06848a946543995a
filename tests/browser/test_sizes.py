"""The page on a phone, on a usual and on a large screen: the map is visible, and no text is cut off."""

from __future__ import annotations

import pytest

from tests.browser.playground import CENTER, PHONE

pytestmark = pytest.mark.browser

IN_SIGHT = """() => {
  const map = document.querySelector('.live-map').getBoundingClientRect();
  const bar = document.querySelector('.st-key-transport').getBoundingClientRect();
  return map.top >= bar.bottom && map.bottom <= innerHeight;
}"""
CUT = """() => [
  ...document.querySelectorAll('.live-panel, .live-confusion th span, .live-key, .st-key-view_speed input')
].filter(part => part.scrollWidth > part.clientWidth + 1 || part.getClientRects().length > 1)
  .map(part => part.value ?? part.textContent)"""
LOSS = "document.querySelector('[data-chart=loss] .js-plotly-plot')"
SCROLLED = "() => document.querySelector('[data-testid=stMain]').scrollTop"
BOTTOM = "() => document.querySelector('.live-panels').getBoundingClientRect().bottom"


def test_play_step_and_a_finger_scroll_on_a_phone(playground):
    page = playground.page
    page.set_viewport_size(PHONE)
    playground.open("speed=max")
    noise, share = (playground.slider(label).bounding_box() or {} for label in ("Noise", "Training share"))
    assert noise["y"] == share["y"]  # side by side, so that the map is nearer
    left = page.locator(".st-key-bar").bounding_box() or {}
    assert (playground.button("New weights").bounding_box() or {})["x"] == left["x"]
    top = "() => document.querySelector('[data-testid=stMain]').scrollTo(0, 0)"
    assert not page.evaluate(IN_SIGHT)
    playground.play()
    page.wait_for_function(IN_SIGHT)
    page.evaluate(top)
    playground.pause()
    playground.answers(2)
    assert not page.evaluate(IN_SIGHT)
    playground.press("Step")
    page.wait_for_function(IN_SIGHT)
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


def test_nothing_moves_or_is_cut_off(playground):
    page = playground.page
    playground.open("dataset=xor&speed=max")
    assert page.evaluate(CUT) == []
    bottom = page.evaluate(BOTTOM)
    assert bottom <= 900
    playground.choose("Data set", "Three spirals")
    page.get_by_text("third", exact=True).first.wait_for()
    assert page.evaluate(CUT) == []
    assert page.evaluate(BOTTOM) == bottom
    playground.press("Draw points")
    page.locator(".live-drawbar").wait_for()
    playground.settle()
    assert page.evaluate(BOTTOM) == bottom
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.wait_for_function("document.querySelector('.live-map').clientWidth > 400")
    assert 1000 < page.evaluate(BOTTOM) <= 1080
    playground.switch("Projector")
    playground.linked(projector="true")
    page.wait_for_function(f"() => !({CUT})().length")
