"""The Optimizers and Health pages in a real browser: animation, clicks and live charts."""

from __future__ import annotations

import re

import pytest

from tests.browser.controls import save_menus
from tests.browser.playground import Playground

pytestmark = pytest.mark.browser

HEADS = """name => [...document.querySelectorAll(`.charts[data-name=${name}] .js-plotly-plot`)].flatMap(
  plot => plot.data.filter(trace => trace.meta === 'head').map(trace => [...trace.x, ...trace.y]))"""

NOTE_MOVES = """() => {  // the texts of what moves in the bar
  window.moved = [];
  new PerformanceObserver(list => {
    for (const { sources } of list.getEntries())
      for (const { node } of sources)
        if ((node?.closest ? node : node?.parentElement)?.closest('.st-key-bar')) moved.push(node.textContent);
  }).observe({ entryTypes: ['layout-shift'] });
}"""


def drawn(playground: Playground, name: str, times: int = 1) -> int:
    """Wait until a group of charts has been drawn `times` times; returns the number of draws."""
    handle = playground.page.wait_for_function(
        "([name, times]) => { const root = document.querySelector(`.charts[data-name=${name}]`); "
        "return root?.dataset.drawn >= times && root.querySelector('.main-svg') && root.dataset.drawn; }",
        arg=[name, times],
    )
    return int(handle.json_value())


def test_the_race_is_animated_and_starts_where_clicked(playground):
    playground.open_page("Optimizers")
    page = playground.page
    count = drawn(playground, "race")
    page.locator(".charts-plot").nth(2).wait_for()
    assert len(save_menus(playground)) == 3
    page.get_by_text("3-D surface", exact=True).click()  # a surface is slow without a graphics card
    page.locator(".charts-plot").nth(2).wait_for(state="detached")
    count = drawn(playground, "race", count + 1)
    playground.slide("Steps", "Home")
    count = drawn(playground, "race", count + 1)
    page.get_by_role("img", name="Map from above, with the path of each optimizer").evaluate("it => it.tagged = true")
    end = page.evaluate(HEADS, "race")
    step = page.get_by_role("slider", name="Step shown")
    step.focus()
    page.keyboard.press("Home")
    page.get_by_text("step 0 of 10").wait_for()
    begin = page.evaluate(HEADS, "race")
    assert begin != end
    assert begin[0] == [-2.5, 2]
    playground.press("Animate")
    page.get_by_text("step 10 of 10").wait_for()
    playground.button("Animate").wait_for()
    assert page.evaluate(HEADS, "race") == end

    box = page.locator(".charts-plot").first.locator(".nsewdrag").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    drawn(playground, "race", count + 1)
    page.keyboard.press("Escape")
    page.get_by_role("slider", name="Step shown").focus()
    page.keyboard.press("Home")
    x, y = page.evaluate(HEADS, "race")[0]
    assert x == pytest.approx(1.5, abs=0.3)
    assert y == pytest.approx(1.5, abs=0.3)
    assert page.evaluate("document.querySelector('.charts-plot').tagged")  # the DOM node was kept


def test_the_health_page_follows_the_running_network(playground):
    playground.open_page("Health")
    page = playground.page
    first = drawn(playground, "health")
    page.evaluate(NOTE_MOVES)
    playground.press("Step")
    page.get_by_text("Epoch 1, paused").wait_for()
    drawn(playground, "health", first + 1)
    playground.press("Play")
    drawn(playground, "health", first + 4)
    playground.press("Pause")
    page.get_by_text(re.compile(r"Epoch \d+, paused")).wait_for()
    playground.press("Reset")
    page.get_by_text("Epoch 0, idle").wait_for()
    assert page.evaluate("moved") == []  # a button that moves under a press is not pressed
    assert len(save_menus(playground)) == 3
