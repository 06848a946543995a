"""The page without a mouse, and every shortcut of the dialog."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator

from data import DATASETS, FEATURES
from lab.experiment.presets import PRESETS
from tests.browser.playground import Playground
from ui.kit.shortcuts import KEYS, PLACES

pytestmark = [pytest.mark.browser, pytest.mark.everything]

MOST_STOPS = 160  # presses of Tab between any two controls
TESTED = {" ", "ArrowRight", "b", "n", "r", "?"}  # b and n in test_transport.py


def reach(playground: Playground, target: Locator, key: str = "Tab") -> None:
    """Press a key until a control has the focus."""
    target.wait_for()
    for _ in range(MOST_STOPS):
        if target.evaluate("element => element === document.activeElement"):
            return
        playground.page.keyboard.press(key)
    raise AssertionError(f"{target} cannot be reached by {key}")


def test_a_network_is_trained_without_a_mouse(playground):
    playground.open("controls=simple")  # with fewer presses of Tab
    page, keys = playground.page, playground.page.keyboard
    page.locator(".live-guide").get_by_text("Press Play.").wait_for()
    reach(playground, page.get_by_role("radio", name=DATASETS["circle"].label, exact=True, checked=True))
    keys.press("ArrowRight")  # controls in the order of the page, so that Tab is pressed less often
    playground.linked(dataset="xor")
    reach(playground, playground.slider("Learning rate"))
    keys.press("ArrowRight")
    playground.linked(dataset="xor", learning_rate="0.1")
    reach(playground, playground.button(f"Feature {FEATURES['x1'].label}"))
    keys.press("ArrowRight")
    keys.press("Enter")
    box = page.get_by_role("dialog", name="Weights into neuron 1.1", exact=True).get_by_role("spinbutton").first
    reach(playground, box)
    keys.press("Control+a")
    keys.type("5")
    keys.press("Enter")
    keys.press("Escape")
    page.evaluate("document.activeElement.blur()")
    reach(playground, playground.button("Play"))
    keys.press("Enter")
    playground.until("facts.status === 'running' && facts.epoch > 2")
    reach(playground, playground.button("Pause"))
    keys.press("Enter")
    playground.until("facts.status === 'paused'")


def test_the_easy_win_is_trained_with_closed_eyes(playground):
    """By keys alone, and by what roles and live regions say."""
    page, keys = playground.page, playground.page.keyboard
    preset, said = PRESETS["easy_win"], page.get_by_role("status")
    page.goto(playground.url)
    said.filter(has_text=re.compile(r"learns to tell .+ Press Play\.")).wait_for()
    reach(playground, page.get_by_role("button", name="Presets", exact=True))
    keys.press("Enter")
    reach(playground, page.get_by_role("menuitem", name=preset.label, exact=True), "ArrowDown")
    keys.press("Enter")
    page.get_by_text(preset.sentence).wait_for()
    reach(playground, page.get_by_role("button", name="Play", exact=True))
    keys.press("Enter")
    said.filter(has_text="All test points are classified correctly.").wait_for()
    page.get_by_role("img", name=re.compile(r"^Map of the regions of .+ after [1-9]\d* epochs?\.")).wait_for()
    reach(playground, page.get_by_role("button", name="Pause", exact=True))
    keys.press("Enter")
    page.get_by_role("button", name="Play", exact=True).wait_for()


def test_the_shortcuts_do_what_the_dialog_says(playground):
    playground.open()
    press = playground.page.keyboard.press
    playground.page.get_by_role("combobox", name="Data set", exact=True).focus()
    playground.page.keyboard.type("r?")
    assert playground.page.get_by_role("dialog").count() == 0
    press("Escape")
    playground.page.get_by_role("combobox", name="Data set", exact=True).focus()
    playground.page.keyboard.type(DATASETS["xor"].label)
    press("Enter")
    playground.linked(dataset="xor")
    playground.page.get_by_role("spinbutton", name="Seed", exact=True).press("ArrowRight")
    playground.slide("Learning rate", "ArrowRight")
    playground.linked(learning_rate="0.1")
    playground.answers(3)
    assert (playground.facts["status"], playground.facts["epoch"]) == ("idle", "0")
    playground.page.evaluate("document.activeElement.blur()")

    press(" ")
    playground.until("facts.status === 'running' && facts.epoch > 2")
    playground.button("Pause").wait_for()
    press(" ")
    playground.until("facts.status === 'paused'")
    playground.button("Play").wait_for()
    press("r")
    playground.until("facts.status === 'idle' && facts.epoch == 0")
    press("ArrowRight")
    playground.until("facts.status === 'paused' && facts.epoch == 1")
    playground.settle()
    press("?")
    dialog = playground.page.get_by_role("dialog")
    dialog.get_by_role("row").last.wait_for()
    said = dialog.get_by_role("row").all_inner_texts()
    assert len(said) == 1 + len(KEYS) + len(PLACES)
    assert all(any(key.shown in row and key.sentence in row for row in said) for key in KEYS)
    dialog.get_by_text("Orange: negative").wait_for()
    press("r")  # a dialog keeps the keys to itself
    press("Escape")
    dialog.wait_for(state="detached")
    playground.answers(2)
    assert playground.facts["epoch"] == "1"
    assert {key.name for key in KEYS} == TESTED
