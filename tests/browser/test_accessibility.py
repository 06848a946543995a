"""axe-core finds no serious barrier on any page: dark on a screen, light on a phone."""

from __future__ import annotations

from importlib.resources import files
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import ViewportSize

from tests.browser.playground import PHONE, SCREEN, WAIT_S, Playground, eventually, path_of
from ui.figures.theme import TEXT

pytestmark = [pytest.mark.browser, pytest.mark.everything]

PAGES = Path(__file__).parents[2] / "pages"
TITLES = (
    "Compare",
    "Runs",
    "Studies",
    "Functions",
    "One step",
    "Optimizers",
    "Health",
    "Images",
    "Data",
    "Save",
    "Device",
    "Help",
    "Playground",
)
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
SMALL_PHONE: ViewportSize = {**PHONE, "width": 360}
# Each theme once and each layout once: the text has the same colors in both layouts.
LOOKS: tuple[tuple[str, ViewportSize], ...] = (("dark", SCREEN), ("light", SMALL_PHONE))
WIDTH = "Math.max(document.documentElement.scrollWidth, document.querySelector('.stMain').scrollWidth)"
CHART_TEXT = (
    """() => [...new Set([...document.querySelectorAll('.js-plotly-plot')].map(plot => plot.layout.font?.color))]"""
)
ACCEPTED: dict[tuple[str, str], str] = {  # (rule, part of the element) -> why it is not ours to repair
    ("color-contrast", ">Stop</button>"): "Streamlit's own button fades in where a script run takes long",
}


def barriers(page: Playground) -> list[str]:
    """One line for each serious or critical finding of axe on what the page shows now."""
    if not page.page.evaluate("'axe' in window"):
        page.page.evaluate(AXE)
    found: list[dict[str, Any]] = page.page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{finding['id']}: {node['html'][:300]} {node['failureSummary']}"
        for finding in found
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
        if not any(finding["id"] == rule and part in node["html"] for rule, part in ACCEPTED)
    ]


def check_dialogs(playground: Playground) -> None:
    """No dialog has a barrier, and a planted one is found."""
    playground.recolor("dark")
    for name in ("Share", "? Keys"):
        playground.press(name)
        playground.page.get_by_role("dialog").get_by_role("heading").first.wait_for()
        playground.settle()
        assert barriers(playground) == [], name
        playground.page.keyboard.press("Escape")
        playground.page.get_by_role("dialog").wait_for(state="detached")
    playground.page.evaluate("document.querySelector('.live').insertAdjacentHTML('beforeend', '<button></button>')")
    assert [line.partition(":")[0] for line in barriers(playground)] == ["button-name"]


@pytest.mark.timeout(300)  # one visit to all pages
def test_no_page_or_dialog_has_a_serious_barrier(playground):
    page, found = playground.page, {}
    playground.open()
    for name, looks in zip(TITLES, cycle((LOOKS, LOOKS[::-1])), strict=False):  # each page in the scheme of the last
        page.set_viewport_size(SCREEN)
        playground.go(name)
        for scheme, size in looks:
            page.set_viewport_size(size)
            playground.recolor(scheme)
            text = [[], [TEXT[scheme]]]
            if name != "Playground" and not eventually(lambda any_of=text: page.evaluate(CHART_TEXT) in any_of, WAIT_S):
                found[name, scheme, "charts"] = page.evaluate(CHART_TEXT)
            if not eventually(lambda most=size: page.evaluate(WIDTH) <= most["width"], WAIT_S):  # charts follow
                found[name, "wider than", size["width"]] = page.evaluate(WIDTH)
            if barred := barriers(playground):
                found[name, scheme, size["width"]] = barred
    page.set_viewport_size(SCREEN)
    assert found == {}
    assert TITLES[-1] == "Playground"
    check_dialogs(playground)


def test_the_visit_goes_to_every_page():
    assert {path_of(name) for name in TITLES} == {path.stem for path in PAGES.glob("*.py")}
