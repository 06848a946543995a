"""The network diagram and what stands beside it: each thing that can be pressed or pointed at does what it says.
Pictures are compared by their pixels, experiments by the address bar."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator

from data import FEATURES
from tests.browser.playground import Playground, some

pytestmark = pytest.mark.browser

MAP, MARKS = ".live-map-colors", ".live-map-marks"
NEURON = "Neuron 1 of layer 1"


def press(playground: Playground, name: str, **link: str | None) -> None:
    """Press a button of the diagram: the address bar holds the change, and the network is built anew."""
    before = playground.facts["build"]
    playground.press(name)
    playground.linked(**link)
    playground.until(f"facts.build > {before} && facts.epoch == 0")


def walk(playground: Playground, *keys: str) -> None:
    """Go from the first feature by keys."""
    playground.button(f"Feature {FEATURES['x1'].label}").focus()
    for key in keys:
        playground.page.keyboard.press(key)


def heading(playground: Playground, name: str) -> Locator:
    return playground.page.get_by_role("heading", name=name, exact=True)


# What changes the experiment ----------------------------------------------------------------------------------------


def test_thumbnails_switch_their_features_and_the_buttons_above_change_units_and_layers(playground):
    playground.open().step(1)
    first, second, third = list(FEATURES)[:2], list(FEATURES)[2::2], list(FEATURES)[3::2]
    for pressed, others in ((second, second), (third, second + third), (second, third), (third, [])):
        before = playground.facts["build"]
        for name in pressed:  # as fast as the pointer gets there: no press is lost
            playground.press(f"Feature {FEATURES[name].label}")
        on = [name for name in FEATURES if name in first + others]
        playground.linked(features=",".join(on) if others else None)
        playground.until(f"facts.build > {before} && facts.epoch == 0")
        for name, feature in FEATURES.items():
            state = {"name": f"Feature {feature.label}", "exact": True, "pressed": name in on}
            playground.page.get_by_role("button", **state).wait_for()

    playground.button(
        "More neurons in layer 1"
    ).dblclick()  # the second press comes before the first is on the screen, and counts as well
    playground.linked(hidden="10,8")
    playground.button("Neuron 10 of layer 1").wait_for()
    press(playground, "Fewer neurons in layer 1", hidden="9,8")
    press(playground, "Fewer neurons in layer 2", hidden="9,7")
    playground.button("Neuron 8 of layer 2").wait_for(state="detached")
    press(playground, "More hidden layers", hidden="9,7,7")
    playground.button("Neuron 1 of layer 3").wait_for()
    press(playground, "Fewer hidden layers", hidden="9,7")
    press(playground, "Fewer hidden layers", hidden="9")
    playground.button("Neuron 1 of layer 2").wait_for(state="detached")


def test_the_button_of_the_advice_makes_the_change_it_names(playground):
    playground.open("initializer=zeros")
    playground.play()
    playground.button("Try Glorot").wait_for()
    assert "copies of one another" in playground.page.locator(".live-advice").inner_text()
    press(playground, "Try Glorot", initializer=None)
    playground.button("Try Glorot").wait_for(state="hidden")


# What changes the picture -------------------------------------------------------------------------------------------


def test_the_big_map_is_that_of_the_neuron_pointed_at_or_reached_by_arrow_keys_and_then_the_output_again(playground):
    before = playground.open().step(1)
    output = playground.pixels(MAP)
    playground.button(NEURON).hover()
    heading(playground, NEURON).wait_for()
    playground.until_pixels(MAP, lambda now: now != output)
    playground.page.mouse.move(0, 0)
    heading(playground, NEURON).wait_for(state="detached")
    playground.until_pixels(MAP, lambda now: now == output)

    pictures = {output}
    walk(playground, "ArrowDown", "ArrowUp")
    heading(playground, f"Feature {FEATURES['x1'].label}").wait_for()
    for name in (NEURON, "Neuron 1 of layer 2"):
        playground.until_pixels(MAP, lambda now: now not in pictures)
        pictures.add(playground.pixels(MAP))
        playground.page.keyboard.press("ArrowRight")
        heading(playground, name).wait_for()
    playground.page.keyboard.press("ArrowRight")
    heading(playground, "What the network says").wait_for()
    playground.until_pixels(MAP, lambda now: now == output)
    assert playground.page.evaluate("document.activeElement.ariaLabel") == "Output"
    assert some(playground.facts, "epoch", "build") == some(before, "epoch", "build")


def test_a_cell_of_the_confusion_matrix_lights_its_points_and_a_second_press_all(playground):
    playground.open("dataset=spiral3").step(1)
    cell = playground.page.get_by_role("button", name=re.compile(r" read as .+: \d+")).first
    every = playground.pixels(MARKS)
    for pressed, condition in (("true", every.__ne__), ("false", every.__eq__)):
        cell.click()
        assert cell.get_attribute("aria-pressed") == pressed
        playground.until_pixels(MARKS, condition)
    over = "table => table.getBoundingClientRect().right - table.closest('section').getBoundingClientRect().right"
    assert playground.page.locator(".live-confusion").evaluate(over) <= 0  # three classes fit their place


# Weights and biases by hand -----------------------------------------------------------------------------------------


def click_link(playground: Playground) -> None:
    """Click half way between the first neuron of the last hidden layer and the output."""
    start = playground.button("Neuron 1 of layer 2").bounding_box()
    end = playground.button("Output").bounding_box()
    x = (start["x"] + start["width"] + end["x"]) / 2
    y = (start["y"] + start["height"] / 2 + end["y"] + end["height"] / 2) / 2
    playground.page.mouse.click(x, y)


EDITS: dict[str, Callable[[Playground], None]] = {
    "Weight from neuron 2.1 to output": click_link,
    "Weights into neuron 1.1": lambda playground: walk(playground, "ArrowRight", "Enter"),
    "Weights into neuron 1.2": lambda playground: playground.press("Neuron 2 of layer 1"),
    "Weights into output": lambda playground: playground.press("Output"),
    "Bias of neuron 1.1": lambda playground: playground.press(f"Bias of {NEURON}"),
    "Bias of output": lambda playground: playground.press("Bias of Output"),
}


def test_a_number_entered_by_hand_moves_the_border_while_training_rests_and_a_too_large_one_is_refused(playground):
    before = playground.open().step(1)
    numbers = dict(zip(EDITS, ("5", "3", "1", "-1", "-3", "-5"), strict=True))
    for title, edit in EDITS.items():
        playground.page.mouse.move(0, 0)
        playground.page.evaluate("document.activeElement.blur()")  # the neuron edited last is pointed at no more
        heading(playground, "What the network says").wait_for()
        border = playground.pixels(MAP)
        edit(playground)
        editor = playground.page.get_by_role("dialog", name=title, exact=True)
        box = editor.get_by_role("spinbutton").first
        assert box.evaluate("box => box === document.activeElement"), title
        playground.until_pixels(MAP, lambda now, shown=border: now == shown)
        box.fill(numbers[title])
        box.press("Enter")
        playground.until_pixels(MAP, lambda now, shown=border: now != shown)
        assert some(playground.facts, "epoch", "build", "status") == some(before, "epoch", "build", "status"), title
        box.press("Escape")
        editor.wait_for(state="hidden")
        assert playground.pixels(MAP) != border, title
        edit(playground)
        assert box.input_value() == numbers[title], title
        box.press("Escape")
        editor.wait_for(state="hidden")

    playground.press(f"Bias of {NEURON}")
    editor = playground.page.get_by_role("dialog", name="Bias of neuron 1.1", exact=True)
    box = editor.get_by_role("spinbutton")
    box.fill("1001")
    box.press("Enter")
    assert "number from" in editor.get_by_role("alert").inner_text()
    assert box.get_attribute("aria-invalid") == "true"
    editor.get_by_role("button", name="Close", exact=True).click()
    playground.answers(2)
    playground.press(f"Bias of {NEURON}")
    assert editor.get_by_role("spinbutton").input_value() == numbers["Bias of neuron 1.1"]


def test_a_number_entered_in_the_middle_of_a_run_is_what_training_goes_on_from(playground):
    playground.open("learning_rate=0.00001")  # so slow that the number stays what it was made
    playground.play()
    playground.press(f"Bias of {NEURON}")
    editor = playground.page.get_by_role("dialog", name="Bias of neuron 1.1", exact=True)
    editor.get_by_role("spinbutton").fill("7")
    editor.get_by_role("spinbutton").press("Enter")
    editor.get_by_role("spinbutton").press("Escape")
    epoch = playground.facts["epoch"]
    playground.until(f"facts.status === 'running' && facts.epoch > {epoch} + 2")
    playground.press(f"Bias of {NEURON}")
    assert float(editor.get_by_role("spinbutton").input_value()) == pytest.approx(7, abs=0.01)


# Hints of the first visit -------------------------------------------------------------------------------------------


def test_the_hints_go_away_at_the_first_key_or_press_and_stay_away(playground):
    page, hints = playground.page, playground.page.locator(".live-callout")
    page.goto(f"{playground.url}healthz")  # what the tab remembers belongs to the address
    for act in (lambda: page.keyboard.press("Shift"), lambda: page.mouse.click(5, 890)):
        page.evaluate("sessionStorage.clear()")  # a first visit
        playground.open()
        hints.first.wait_for()
        assert hints.count() == 2
        act()
        assert hints.count() == 0
    playground.open()
    assert hints.count() == 0
