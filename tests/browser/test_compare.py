"""The Compare page in a real browser: three questions, each answered in at most three presses."""

from __future__ import annotations

import re

import numpy as np
import pytest

from engine import OPTIMIZERS
from lab.experiment.experiment import Experiment
from lab.experiment.group import Group, fields_to_vary
from lab.training.build import build
from tests.browser.playground import PHONE, WAIT_S, Playground, eventually
from tests.browser.test_accessibility import barriers
from ui.compare.statistics import compare_pairs

pytestmark = pytest.mark.browser
SMALL = Experiment(samples=60, hidden=(4,), learning_rate=0.1)
QUERY = "samples=60&hidden=4&learning_rate=0.1"
TOP = "tile => Math.round(tile.getBoundingClientRect().top + document.querySelector('[data-testid=stMain]').scrollTop)"


def finals(group: Group) -> np.ndarray:
    """The test losses of single runs, each trained on its own; (seeds, values)."""
    found = []
    for member in group.members:
        trainer = build(member.experiment).trainer
        trainer.run_for(np.inf, epochs=group.epochs)
        found.append(np.inf if trainer.divergence else trainer.history.values[1, -1])
    return np.array(found).reshape(group.seeds, -1)


def words(playground: Playground, pattern: str) -> str:
    """The sentence of the answer, when it is there."""
    shown = playground.page.get_by_test_id("stMarkdown").filter(has_text=re.compile(pattern)).first
    shown.wait_for(timeout=WAIT_S * 1000)
    return shown.inner_text()


def test_three_questions_are_answered_as_single_runs_answer_them(playground):
    playground.open(f"{QUERY}&compare=repeat:10:weights:10").go("Compare")
    # "Run it five times and compare"
    page = playground.page
    playground.slide("Runs", "Home")
    text = words(playground, "^5 runs")
    median = float(np.median(finals(Group(SMALL, seeds=5, epochs=10))))
    assert f"median test loss {median:.3g}" in text
    maps = page.get_by_role("radiogroup", name="Runs").get_by_role("radio")
    assert eventually(lambda: maps.count() == 5, WAIT_S)
    maps.nth(2).click()
    words(playground, "^Run 3: test loss")
    playground.press("Take this run")
    playground.linked(weight_seed="3")
    words(playground, f"median test loss {re.escape(f'{median:.3g}')}")  # the comparison stays
    # "Which rate is best, and how sure are you?"
    page.get_by_role("radio", name="One setting").click()
    text = words(playground, r"^Median of 5 runs.*with Learning rate .*diverged with .*10\.$")
    losses = np.median(
        finals(Group(SMALL, "learning_rate", fields_to_vary(SMALL)["learning_rate"], 5, epochs=10)), axis=0
    )
    assert f"the lowest test loss is {losses.min():.3g}, with Learning rate" in text
    # "Is L2 worth it here?"
    page.get_by_role("radio", name="One change").click()
    text = words(playground, "of 30 pairs")
    for name in ("L2 rate 0", "L2 rate 0.001"):  # at the ends of the lines
        page.locator(".annotation-text").get_by_text(name, exact=True).wait_for()
    before, after = finals(Group(SMALL, "l2", (0.0, 0.001), 30, epochs=10)).T
    verdict = compare_pairs(before, after)
    assert f"{verdict.better} of 30 pairs of runs end with a lower test loss, {verdict.worse} with a higher one" in text
    page.set_viewport_size(PHONE)
    assert eventually(lambda: page.evaluate("document.documentElement.scrollWidth <= innerWidth"), WAIT_S)


def test_a_pair_is_taken_by_keyboard_and_the_link_keeps_the_comparison(playground):
    told = "tiles:1:weights:10:learning_rate:optimizer"
    playground.open(f"{QUERY}&compare={told}").go("Compare")
    page = playground.page
    text = words(playground, "^One run of 10 epochs for each of 56 pairs")
    rates = (0.00001, 0.0001, 0.003, 0.01, 0.1, 0.3, 3.0, 10.0)  # of eleven
    group = Group(SMALL, "learning_rate", rates, 1, epochs=10, field2="optimizer", values2=tuple(OPTIMIZERS))
    losses = finals(group).ravel()
    tiles = page.get_by_role("radiogroup", name="Pairs of values").get_by_role("radio")
    last = group.fields_at(55)
    assert eventually(lambda: "not trained" not in (tiles.nth(55).get_attribute("aria-label") or ""), WAIT_S)
    assert f"the lowest test loss is {losses.min():.3g}" in words(playground, "^One run of 10 epochs"), text
    assert tiles.count() == 56
    assert barriers(playground) == []
    tiles.nth(4).focus()  # the present pair: the stop of the Tab key
    assert tiles.nth(4).get_attribute("tabindex") == "0"
    assert tiles.nth(4).get_attribute("aria-checked") == "true"
    page.keyboard.press("ArrowDown")
    assert tiles.nth(12).evaluate("tile => tile === document.activeElement")
    playground.linked(compare=told)  # arrow keys only move
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    playground.linked(compare=told, learning_rate="10", optimizer=last["optimizer"])
    assert eventually(lambda: tiles.nth(55).get_attribute("aria-checked") == "true", WAIT_S)
    page.reload()
    words(playground, "^One run of 10 epochs for each of 56 pairs")
    playground.button("Keep these 56 runs").wait_for()  # all are there
    picture = tiles.nth(54).locator("img")
    before = picture.get_attribute("src")
    picture.hover()
    page.mouse.down()
    playground.recolor("dark")  # a press lasts, and meanwhile all pictures change
    assert eventually(lambda: picture.get_attribute("src") != before, WAIT_S)
    page.mouse.up()
    assert eventually(lambda: tiles.nth(54).get_attribute("aria-checked") == "true", WAIT_S)


def test_tiles_train_at_the_same_time_and_stay_when_they_are_stopped(playground):
    query = "samples=1000&hidden=24,24&compare=tiles:1:weights:400:optimizer:batch_norm"
    playground.open(query).go("Compare")
    page = playground.page
    with page.expect_response(lambda answer: answer.url.endswith("/live/picture") and answer.ok) as fetched:
        playground.press(re.compile("^Train 14 runs"))
    assert len(fetched.value.json()["pictures"]) == 14
    words(playground, "^The runs train at the same time: each tile shows its current map and test loss")
    tiles = page.get_by_role("radiogroup", name="Pairs of values").get_by_role(
        "radio", name=re.compile(r"after [1-9]\d* epochs$")
    )
    assert eventually(lambda: tiles.count() > 1, WAIT_S)
    page.get_by_test_id("stMainBlockContainer").get_by_role("button", name="Stop", exact=True).click()
    playground.button("Go on").wait_for()
    playground.settle()
    words(playground, r"^After \d+( to \d+)? of 400 epochs: the lowest test loss is ")
    pictures = {tile.locator("img").get_attribute("src") for tile in tiles.all()}
    assert len(pictures) == tiles.count() > 1  # each shows its own network


def test_two_tiles_are_dragged_together_and_a_run_is_forked(playground):
    playground.open(f"{QUERY}&compare=tiles:1:weights:10:optimizer:batch_norm").step(1)
    playground.go("Compare")
    page = playground.page
    tiles = page.get_by_role("radiogroup", name="Pairs of values").get_by_role("radio")
    tiles.nth(0).wait_for()
    top = tiles.nth(0).evaluate(TOP)
    words(playground, "^One run of 10 epochs for each of 14 pairs")
    playground.button("Keep these 14 runs").wait_for()
    playground.settle()
    assert tiles.nth(0).evaluate(TOP) == top  # where it was when its training began
    tiles.nth(2).drag_to(tiles.nth(8))
    words(playground, "^A and B differ in: Optimizer .* Batch normalization")
    playground.linked(compare="tiles:1:weights:10:optimizer:batch_norm:2.8")
    # The same by keyboard
    page.get_by_text("Compare two", exact=True).click()
    tiles.nth(0).focus()
    page.keyboard.press("Enter")
    assert eventually(lambda: "marked" in (tiles.nth(0).get_attribute("aria-label") or ""), WAIT_S)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    playground.linked(compare="tiles:1:weights:10:optimizer:batch_norm:0.1")
    words(playground, r"^A and B differ in: Optimizer \([^)]*\)\.")
    assert barriers(playground) == []
    # From where the run is now
    page.get_by_role("radio", name="One change").click()
    page.get_by_role("radio", name="Now: epoch 1").click()
    words(playground, "from epoch 1 on, .* of 30 pairs of runs end with a lower test loss")
    words(playground, "^Epoch 11, 10 after the fork")
    playground.press("Reset")
    words(playground, "^Epoch 1, 0 after the fork.* All weights are equal, to the bit")
    playground.press("Step")
    words(playground, "^Epoch 2, 1 after the fork.* Largest difference of a weight")
    playground.press("Play")
    words(playground, "^Epoch 12, 11 after the fork")
    assert eventually(lambda: playground.button("Play").is_visible(), WAIT_S)
