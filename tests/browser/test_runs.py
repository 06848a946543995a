"""Kept runs in a real browser: run three rates, keep, compare, open one with the same bits, export, delete."""

from __future__ import annotations

import gzip
import json
import re

import pytest

from tests.browser.playground import PHONE, WAIT_S, Playground, eventually
from tests.browser.test_accessibility import barriers
from tests.browser.test_compare import words

pytestmark = pytest.mark.browser
RATES = ("0.03", "0.1", "10")
QUERY = "samples=60&hidden=4&epochs=5&speed=max&activations=relu&l2=1"


def boxes(playground: Playground):
    """The check boxes of the rows."""
    return playground.page.get_by_role("checkbox", name=re.compile("^Select (?!all)"))


def choose(playground: Playground, name: str) -> None:
    box = playground.page.get_by_role("checkbox", name=name, exact=True)
    box.click()
    playground.settle()


def chart(playground: Playground, name: str) -> None:
    playground.page.get_by_role("radio", name=name, exact=True).click()
    playground.settle()


@pytest.mark.timeout(240)
def test_three_rates_are_kept_compared_opened_exported_and_deleted(playground):
    page, ends = playground.page, {}
    for rate in RATES:
        playground.open(f"{QUERY}&learning_rate={rate}")
        playground.press("Play")
        ends[rate] = playground.until("['stopped', 'diverged'].includes(facts.status)")
        playground.press("Keep")
        playground.button("Kept").wait_for()
        playground.settle()
    assert [facts["status"] for facts in ends.values()] == ["stopped", "stopped", "diverged"]
    playground.go("Runs")
    assert boxes(playground).count() == 3
    assert page.get_by_role("columnheader").all_inner_texts()[1:] == [
        "Learning rate", "Loss", "Test score", "Epochs", "Status", "Kept (UTC)"
    ]  # fmt: skip
    assert barriers(playground) == []
    # compare: the pointer and the keyboard choose
    choose(playground, "Select Learning rate 0.03")
    boxes(playground).nth(0).focus()  # the newest
    page.keyboard.press("Space")
    playground.settle()
    chart(playground, "Two runs")
    words(playground, "^They differ in Learning rate. A ends with the lower test loss")
    assert page.get_by_role("cell", name="diverged", exact=True).count() >= 2  # in the table, and of B
    choose(playground, "Select all")
    chart(playground, "Parallel coordinates")
    chart(playground, "Scatter")
    chart(playground, "Curves")
    text = words(playground, "^The lowest test loss after training is")
    assert "1 of 3 diverged." in text
    page.get_by_role("img", name="Test loss of 3 runs, over the epochs").wait_for()
    # sort, star, find
    page.get_by_role("button", name="Sort by Learning rate", exact=True).click()
    playground.settle()
    assert "Learning rate 10" in (boxes(playground).nth(0).get_attribute("aria-label") or "")
    page.get_by_role("button", name="Star Learning rate 0.1", exact=True).click()
    page.get_by_role("button", name="Star Learning rate 0.1", exact=True, pressed=True).wait_for()
    playground.settle()
    find = page.get_by_role("textbox", name="Search", exact=True)
    find.fill("learning_rate<1 star")
    find.press("Enter")
    assert eventually(lambda: "learning_rate<1 star" in playground.link["runs"], WAIT_S)
    link = page.url
    page.goto(link)  # the comparison is in the link
    words(playground, "^The lowest test loss after training is")
    assert page.get_by_text("3 chosen").count() == 1
    # export, and a report
    exported = [json.loads(line) for line in gzip.decompress(playground.download("Export")).splitlines()]
    assert [run["experiment"]["learning_rate"] for run in exported[1:]] == [10.0, 0.1, 0.03]
    assert b"<h1>3 runs" in playground.download("Report")
    # open one: the same bits
    playground.press("Choose none")
    page.get_by_text("3 chosen").wait_for(state="detached")
    find = page.get_by_role("textbox", name="Search", exact=True)
    find.fill("learning_rate=0.1")
    find.press("Enter")
    assert eventually(lambda: boxes(playground).count() == 1, WAIT_S)
    playground.settle()
    boxes(playground).nth(0).click()
    page.get_by_text("1 chosen").wait_for()
    playground.settle()
    playground.press("Open on the Playground")
    facts = playground.until("facts.status === 'stopped' && facts.epoch == 5", 2 * WAIT_S)
    assert (facts["trainLoss"], facts["testLoss"]) == (ends["0.1"]["trainLoss"], ends["0.1"]["testLoss"])
    page.locator(".live-notice, .live-said").get_by_text("has the same weights, to the bit").first.wait_for()
    playground.linked(learning_rate="0.1")
    # delete, and undo
    playground.go("Runs")
    playground.press("Delete")
    page.get_by_text("1 deleted.").wait_for()
    playground.press("Undo")
    assert eventually(lambda: boxes(playground).count() == 1, WAIT_S)
    page.set_viewport_size(PHONE)
    assert eventually(lambda: page.evaluate("document.documentElement.scrollWidth <= innerWidth"), WAIT_S)
