"""Projector mode: larger, lighter, and everything still where the pointer is."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

SIZES = """() => [...document.querySelectorAll('.stButton p, .live-label, .live-title, .live-head, .xtick text')]
  .filter(part => part.getBoundingClientRect().height)
  .map(part => parseFloat(getComputedStyle(part).fontSize) * (part.closest('svg') ? 1 : part.currentCSSZoom))"""
SIDEWAYS = """() => [...document.querySelectorAll('body *')]
  .filter(part => part.checkVisibility() && !part.closest('svg') && part.getBoundingClientRect().right > innerWidth + 1)
  .map(part => part.outerHTML.slice(0, 100))"""


def test_one_switch_enlarges_the_type_lightens_the_page_and_lets_nothing_overflow(visit, server):
    visitor = visit(server.url, color_scheme="dark").open()
    visitor.until("facts.theme === 'dark' && document.querySelectorAll('.xtick text').length > 5")
    visitor.tag()
    before = visitor.page.evaluate(SIZES)
    switch(visitor)
    visitor.linked(projector="true")
    visitor.until("facts.theme === 'light'")
    visitor.until("parseFloat(getComputedStyle(document.documentElement).fontSize) === 22.4")
    visitor.page.wait_for_function(
        f"before => {{ const now = ({SIZES})(); "
        "return now.length === before.length && now.every((size, i) => Math.abs(size / before[i] - 1.4) < 0.01); }",
        arg=before,
    )
    assert visitor.page.evaluate(SIDEWAYS) == []
    assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    point_at_a_line(visitor)
    switch(visitor)
    visitor.linked(projector=None)
    visitor.until("facts.theme === 'dark'")
    assert visitor.mounted_anew() == 0


def switch(visitor) -> None:
    visitor.page.get_by_role("switch", name="Projector", exact=True).locator("xpath=ancestor::label").click()


def point_at_a_line(visitor) -> None:
    """The pointer meets the line that is under it, though the picture is enlarged."""
    start = visitor.button("Neuron 1 of layer 2").bounding_box()
    end = visitor.button("Output").bounding_box()
    x = (start["x"] + start["width"] + end["x"]) / 2
    y = (start["y"] + start["height"] / 2 + end["y"] + end["height"] / 2) / 2
    visitor.page.mouse.click(x, y)
    visitor.page.get_by_role("dialog", name="Weight from neuron 2.1 to output", exact=True).wait_for()
    visitor.page.keyboard.press("Escape")


def test_a_link_opens_for_the_projector(visit, server):
    visitor = visit(server.url, color_scheme="dark").open("projector=true")
    visitor.until("facts.theme === 'light'")
    assert visitor.link == {"projector": "true"}
    assert visitor.page.evaluate("document.querySelector('.live').currentCSSZoom") == pytest.approx(1.4)
