"""The pages Optimizers and Health in a browser: players, clicks and live updates."""

from __future__ import annotations

import re

import pytest

from tests.browser.playground import PHONE, Playground

pytestmark = pytest.mark.browser

HEADS = """name => [...document.querySelectorAll(`.charts[data-name=${name}] .js-plotly-plot`)].flatMap(
  plot => plot.data.filter(trace => trace.meta === 'head').map(trace => [...trace.x, ...trace.y]))"""


def drawn(playground: Playground, name: str, times: int = 1) -> int:
    """Wait until a group of charts has been drawn so often, each with its picture; how often that is."""
    handle = playground.page.wait_for_function(
        "([name, times]) => { const root = document.querySelector(`.charts[data-name=${name}]`); "
        "return root?.dataset.drawn >= times && root.querySelector('.main-svg') && root.dataset.drawn; }",
        arg=[name, times],
    )
    return int(handle.json_value())


def test_the_race_is_played_step_by_step_and_begins_where_one_clicks(playground):
    playground.come("Optimizers")
    page = playground.page
    count = drawn(playground, "race")
    page.locator(".charts-plot").nth(2).wait_for()
    page.get_by_text("3-D surface", exact=True).click()  # three dimensions without a graphics card take their time
    page.locator(".charts-plot").nth(2).wait_for(state="detached")
    count = drawn(playground, "race", count + 1)
    page.get_by_role("img", name="Map from above, with the path of each optimizer").evaluate("it => it.tagged = true")
    end = page.evaluate(HEADS, "race")
    step = page.get_by_role("slider", name="Step shown")
    step.focus()
    page.keyboard.press("Home")
    page.get_by_text("step 0 of 100").wait_for()
    begin = page.evaluate(HEADS, "race")
    assert begin != end
    assert begin[0] == [-2.5, 2]
    playground.press("Animate")
    page.get_by_text("step 100 of 100").wait_for()
    playground.button("Animate").wait_for()
    assert page.evaluate(HEADS, "race") == end

    playground.slide("Learning rate", "ArrowLeft")
    count = drawn(playground, "race", count + 1)
    assert page.evaluate(HEADS, "race") != end
    box = page.locator(".charts-plot").first.locator(".nsewdrag").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    drawn(playground, "race", count + 1)
    page.keyboard.press("Escape")
    page.get_by_role("slider", name="Step shown").focus()
    page.keyboard.press("Home")
    x, y = page.evaluate(HEADS, "race")[0]
    assert x == pytest.approx(1.5, abs=0.3)
    assert y == pytest.approx(1.5, abs=0.3)
    assert page.evaluate("document.querySelector('.charts-plot').tagged")  # nothing was mounted anew


def test_the_own_landscape_comes_in_pieces_and_the_suggested_rate_is_taken(playground):
    playground.come("Optimizers")
    page = playground.page
    page.get_by_role("radio", name="Your own loss", exact=True).click()
    playground.press("Compute the landscape")
    drawn(playground, "land")
    page.get_by_text("mean loss of 375 training examples").wait_for()
    page.get_by_role("img", name="The same surface in three dimensions").wait_for()

    page.get_by_role("radio", name="Find a rate", exact=True).click()
    playground.press("Test the rates")
    drawn(playground, "rates")
    taken = page.get_by_role("button", name=re.compile("^Use this rate"))
    rate = taken.inner_text().split(": ")[1].strip()
    taken.click()
    playground.linked(learning_rate=rate)


def test_the_health_page_follows_a_running_network_and_compares_two_deep_ones(playground):
    playground.come("Health")
    page = playground.page
    first = drawn(playground, "health")
    playground.press("Step")
    page.get_by_text("Epoch 1, paused").wait_for()
    drawn(playground, "health", first + 1)
    playground.press("Play")
    drawn(playground, "health", first + 4)
    playground.press("Pause")
    page.get_by_text(re.compile(r"Epoch \d+, paused")).wait_for()
    playground.press("Reset")
    page.get_by_text("Epoch 0, idle").wait_for()
    playground.press("Train both")
    page.get_by_text(re.compile("Vanishing: only")).wait_for()
    page.get_by_role("heading", name="The same with ReLU and He weights").wait_for()


def test_a_phone_shows_the_whole_width_of_the_pages(playground):
    phone = playground
    phone.page.set_viewport_size(PHONE)
    phone.open()
    margin = phone.page.locator(".st-key-bar").bounding_box()["x"]
    assert phone.button("New weights").bounding_box()["x"] == margin
    phone.page.get_by_test_id("stExpandSidebarButton").click()
    for name in ("Optimizers", "Health"):
        phone.page.get_by_role("link", name=name, exact=True).click()
        phone.page.get_by_role("heading", name=name, exact=True).wait_for()
        phone.settle()
        phone.page.locator(".charts .main-svg").first.wait_for()
        assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390, name
    assert phone.page.get_by_test_id("stSelectbox").bounding_box()["x"] == margin
