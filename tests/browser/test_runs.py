"""Kept runs in a real browser: run three rates, three widths and five seeds, keep, compare, take the best, export."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.browser.playground import PHONE, WAIT_S, Playground, eventually
from tests.browser.test_accessibility import barriers
from tests.browser.test_compare import words

pytestmark = pytest.mark.browser
RATES = {"0.03": (), "0.1": ("ArrowRight",), "10": ("End",)}  # each with the keys that lead from the one before
WIDTHS = ("8", "16")
QUERY = {"samples": 60, "hidden": 4, "epochs": 5, "speed": "max", "activations": "relu", "l2": 1}


def boxes(playground: Playground):
    """The check boxes of the rows."""
    return playground.page.get_by_role("checkbox", name=re.compile("^Select (?!all)"))


def keep(playground: Playground) -> dict[str, Any]:
    """Run to the end, and keep; returns its last facts."""
    playground.press("Play")
    facts = playground.until("['stopped', 'diverged'].includes(facts.status)")
    playground.press("Keep")
    playground.button("Kept").wait_for()
    playground.settle()
    return facts


def choose(playground: Playground, name: str) -> None:
    box = playground.page.get_by_role("checkbox", name=name, exact=True)
    box.click()
    playground.settle()


def chart(playground: Playground, name: str) -> None:
    playground.page.get_by_role("radio", name=name, exact=True).click()
    playground.settle()


@pytest.mark.timeout(240)
@pytest.mark.everything
def test_rates_widths_and_seeds_are_kept_compared_exported_and_the_best_taken(playground):
    page = playground.page
    playground.open(urlencode(QUERY | {"learning_rate": "0.03"}))
    ends = {}
    for rate, keys in RATES.items():
        playground.slide("Learning rate", *keys)
        playground.linked(learning_rate=None if rate == "0.03" else rate)
        playground.press("Reset")
        playground.until("facts.status === 'idle'")
        ends[rate] = keep(playground)
    assert [facts["status"] for facts in ends.values()] == ["stopped", "stopped", "diverged"]
    playground.go("Runs")
    assert eventually(lambda: boxes(playground).count() == 3, WAIT_S)
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
    # three widths, and five seeds of the last one
    playground.open(urlencode(QUERY | {"learning_rate": "0.1", "hidden": WIDTHS[0]}))
    ends[WIDTHS[0]] = keep(playground)
    playground.unfold("Layer sizes")
    playground.enter("Neurons 1", WIDTHS[1])
    playground.linked(hidden=WIDTHS[1])
    playground.fold()
    ends[WIDTHS[1]] = keep(playground)
    playground.go("Compare")
    playground.slide("Runs", "Home")
    playground.slide("Epochs", "Home")
    words(playground, "^5 runs, 10 epochs each")  # the button of the comparison before is still there until then
    playground.settle()
    playground.press("Keep these 5 runs")
    page.get_by_text("These 5 runs are kept").wait_for()
    # take the best: the same bits
    playground.go("Runs")
    assert eventually(lambda: boxes(playground).count() == 10, WAIT_S)
    playground.choose("Group by", "Group or study")
    words(playground, "^The lowest test loss after training is .*1 of 10 diverged.$")
    playground.choose("Sort by", "Lowest loss")
    assert eventually(lambda: "parent:loss" in playground.link["runs"], WAIT_S)
    playground.settle()
    boxes(playground).nth(0).click()
    page.get_by_text("1 chosen").wait_for()
    playground.settle()
    best = json.loads(gzip.decompress(playground.download("Export")).splitlines()[1])
    ended = [float(facts["testLoss"]) for facts in ends.values() if facts["status"] == "stopped"]
    assert best["last"]["test_loss"] <= min(ended) + 1e-6
    playground.press("Open on the Playground")
    facts = playground.until(f"facts.status !== 'running' && facts.epoch == {best['epoch']}", 2 * WAIT_S)
    losses = [float(facts[name]) for name in ("trainLoss", "testLoss")]
    assert losses == pytest.approx([best["last"]["train_loss"], best["last"]["test_loss"]], rel=1e-3)
    page.locator(".live-notice, .live-said").get_by_text("has the same weights, to the bit").first.wait_for()
    # delete, and undo
    playground.go("Runs")
    playground.press("Delete")
    page.get_by_text("1 deleted.").wait_for()
    playground.press("Undo")
    assert eventually(lambda: boxes(playground).count() == 10, WAIT_S)
    page.set_viewport_size(PHONE)
    assert eventually(lambda: page.evaluate("document.documentElement.scrollWidth <= innerWidth"), WAIT_S)
