"""Projector mode: larger and lighter, and the pointer still hits what it points at."""

from __future__ import annotations

import pytest

from tests.browser.playground import Playground

pytestmark = [pytest.mark.browser, pytest.mark.everything]

SIZES = """() => [...document.querySelectorAll('.live-title, .xtick:first-child text')]
  .filter(part => part.getBoundingClientRect().height)
  .map(part => parseFloat(getComputedStyle(part).fontSize) * (part.closest('svg') ? 1 : part.currentCSSZoom))"""
SIDEWAYS = """() => [...document.querySelectorAll('body *')]
  .filter(part => part.checkVisibility() && !part.closest('svg') && part.getBoundingClientRect().right > innerWidth + 1)
  .map(part => part.outerHTML.slice(0, 100))"""


def test_the_projector_enlarges_and_lightens_the_page(playground):
    playground.open().recolor("dark")
    playground.until("document.querySelectorAll('.xtick text').length > 5")
    playground.tag()
    before = playground.page.evaluate(SIZES)
    playground.switch("Projector")
    playground.linked(projector="true")
    playground.until("facts.theme === 'light'")
    playground.page.wait_for_function(
        f"before => {{ const now = ({SIZES})(); "
        "return now.length === before.length && now.every((size, i) => Math.abs(size / before[i] - 1.25) < 0.01); }",
        arg=before,
    )
    playground.page.wait_for_function(f"() => !({SIDEWAYS})().length")
    assert playground.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    point_at_a_line(playground)
    playground.unfold("Settings")
    playground.switch("Projector")
    playground.linked(projector=None)
    playground.until("facts.theme === 'dark'")
    playground.page.wait_for_function(f"before => `${{({SIZES})()}}` === `${{before}}`", arg=before)
    assert playground.remounted_parts() == 0
    playground.recolor("light")


def point_at_a_line(playground: Playground) -> None:
    """Check that the pointer hits the line under it on the enlarged picture."""
    playground.click_link()
    playground.page.get_by_role("dialog", name="Weight from neuron 2.1 to output", exact=True).wait_for()
    playground.page.keyboard.press("Escape")
