"""The network diagram, the map and the confusion matrix: each element that can be used has its effect.

Pictures are compared by their pixels, experiments by the address bar.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator

from data import FEATURES
from tests.browser.playground import SCREEN, Playground, some
from tests.browser.test_sizes import STAGE

pytestmark = pytest.mark.browser

MAP, MARKS = ".live-map-colors", ".live-map-marks"
NEURON = "Neuron 1 of layer 1"


def press(playground: Playground, name: str, **link: str | None) -> None:
    """Press a button of the diagram and wait until the link holds the change and the run is rebuilt."""
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


def test_the_diagram_changes_features_units_and_layers(playground):
    playground.open().step(1)
    used, others = list(FEATURES)[:2], list(FEATURES)[2:]
    for pressed, on in ((others, used + others), (others[:1], used + others[1:])):
        before = playground.facts["build"]
        for name in pressed:  # as fast as the pointer gets there: no press is lost
            playground.press(f"Feature {FEATURES[name].label}")
        playground.linked(features=",".join(on))
        playground.until(f"facts.build > {before} && facts.epoch == 0")
        for name, feature in FEATURES.items():
            state = {"name": f"Feature {feature.label}", "exact": True, "pressed": name in on}
            playground.page.get_by_role("button", **state).wait_for()

    playground.button("More neurons in layer 1").dblclick()  # the second press comes before the first is drawn
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


def compare_with_skip_connections(playground: Playground) -> None:
    """Skip connections are named and drawn; without them, the page shows neither."""
    for name in ("Hidden layer 1", "Hidden layer 2", "Hidden layer 3, with a skip connection"):
        playground.page.get_by_role("group", name=name, exact=True).wait_for(state="attached")
    with_skips = playground.page.locator(".live-diagram-canvas").screenshot()
    playground.unfold("More settings")
    playground.tick("Skip connections")
    playground.linked(residual=None)
    playground.fold()
    playground.page.get_by_role("group", name="Hidden layer 3", exact=True).wait_for(state="attached")
    assert playground.page.locator(".live-diagram-canvas").screenshot() != with_skips


def test_a_network_that_changed_while_it_was_hidden_is_laid_out_when_it_is_seen(playground):
    places = "[...document.querySelectorAll('.live-neuron, .live-bias')].map(({ style }) => style.cssText)"
    wanted = playground.open("hidden=4").page.evaluate(places)
    playground.open("hidden=4,4")
    assert playground.page.evaluate(places) != wanted
    diagram = playground.page.locator(".live-diagram")
    diagram.evaluate("diagram => { diagram.style.display = 'none'; }")
    playground.page.get_by_label("Fewer hidden layers").dispatch_event("click")
    playground.until("document.querySelectorAll('.live-count')[0].textContent === '1 hidden layer'")
    diagram.evaluate("diagram => { diagram.style.display = ''; }")
    text = json.dumps(wanted, separators=(",", ":"))
    playground.page.wait_for_function(f"wanted => JSON.stringify({places}) === wanted", arg=text)


def test_the_button_of_the_advice_changes_the_experiment(playground):
    playground.open("initializer=zeros")
    playground.play()
    playground.button("Try Glorot").wait_for()
    assert "copies of one another" in playground.page.locator(".live-advice").inner_text()
    press(playground, "Try Glorot", initializer=None)
    playground.button("Try Glorot").wait_for(state="hidden")


# What changes the picture -------------------------------------------------------------------------------------------


def test_a_cell_of_the_matrix_highlights_points_and_skip_connections_are_drawn(playground):
    playground.open("dataset=spiral3&hidden=3,4,4&residual=true").step(1)
    cell = playground.page.get_by_role("button", name=re.compile(r" predicted as .+: \d+")).first
    every = playground.pixels(MARKS)
    for pressed, condition in (("true", every.__ne__), ("false", every.__eq__)):
        cell.click()
        assert cell.get_attribute("aria-pressed") == pressed
        playground.until_pixels(MARKS, condition)
    over = "table => table.getBoundingClientRect().right - table.closest('section').getBoundingClientRect().right"
    assert playground.page.locator(".live-confusion").evaluate(over) <= 0  # three classes fit into the panel
    compare_with_skip_connections(playground)


# Weights and biases by hand -----------------------------------------------------------------------------------------


def show_neurons(playground: Playground, before: dict[str, str]) -> None:
    """Point at neurons and focus them: the map shows each, and then the prediction again."""
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
    heading(playground, "Prediction of the network").wait_for()
    playground.until_pixels(MAP, lambda now: now == output)
    assert playground.page.evaluate("document.activeElement.ariaLabel") == "Output"
    assert some(playground.facts, "epoch", "build") == some(before, "epoch", "build")


EDITS: dict[str, Callable[[Playground], None]] = {
    "Weight from neuron 2.1 to output": Playground.click_link,
    "Weights into neuron 1.1": lambda playground: walk(playground, "ArrowRight", "Enter"),
    "Weights into neuron 1.2": lambda playground: playground.press("Neuron 2 of layer 1"),
    "Weights into output": lambda playground: playground.press("Output"),
    "Bias of neuron 1.1": lambda playground: playground.press(f"Bias of {NEURON}"),
    "Bias of output": lambda playground: playground.press("Bias of Output"),
}


def test_the_map_shows_a_neuron_and_follows_a_typed_weight(playground):
    before = playground.open("learning_rate=0.00001").step(1)  # so low that training keeps a typed number
    show_neurons(playground, before)
    numbers = dict(zip(EDITS, ("5", "3", "1", "-1", "-3", "-5"), strict=True))
    for title, edit in EDITS.items():
        playground.page.mouse.move(0, 0)
        playground.page.evaluate("document.activeElement.blur()")  # removes the focus from the last neuron
        heading(playground, "Prediction of the network").wait_for()
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
    playground.play()
    playground.answers(2)
    playground.press(f"Bias of {NEURON}")
    assert float(box.input_value()) == pytest.approx(float(numbers["Bias of neuron 1.1"]), abs=0.01)
    box.fill("7")
    box.press("Enter")
    box.press("Escape")
    epoch = playground.facts["epoch"]
    playground.until(f"facts.status === 'running' && facts.epoch > {epoch} + 2")
    playground.press(f"Bias of {NEURON}")
    assert float(box.input_value()) == pytest.approx(7, abs=0.01)


# Callouts of the first visit ----------------------------------------------------------------------------------------


def test_callouts_stand_beside_what_they_speak_of_and_then_something_is_next(playground):
    guide, callout = playground.page.locator(".live-guide"), playground.page.get_by_role("note")
    playground.open("controls=simple&speed=max")  # a browser that remembers nothing
    stage = playground.page.evaluate(STAGE)
    guide.get_by_text("learns to tell the orange points (ring) from the blue ones (disk). Press Play.").wait_for()
    callout.filter(has_text="Press Play").wait_for()
    assert is_below(playground, ".st-key-play", ".live-callout")
    playground.play()
    callout.filter(has_text="boundary").wait_for()
    assert is_below(playground, ".live-callout", ".live-map-colors")
    playground.page.set_viewport_size({"width": 1024, "height": 600})  # no room beside the title
    playground.page.locator(".live-words-row .live-callout").filter(has_text="boundary").wait_for()
    playground.page.set_viewport_size(SCREEN)
    playground.page.locator(".live-head .live-callout").wait_for()
    playground.press("Got it")
    callout.filter(has_text="weight").wait_for()
    assert is_below(playground, ".live-diagram-box", ".live-callout")
    assert playground.page.evaluate(STAGE) == stage
    playground.page.keyboard.press("Escape")
    callout.wait_for(state="hidden")
    playground.press("Next: exclusive or")
    playground.linked(dataset="xor")
    playground.open("controls=simple").step(1)
    assert guide.inner_text() == ""


def is_below(playground: Playground, one: str, other: str) -> bool:
    """Whether one part ends where the other begins, or a little above it."""
    upper, lower = (playground.page.locator(part).bounding_box() or {} for part in (one, other))
    gap = lower["y"] - (upper["y"] + upper["height"])
    side_by_side = lower["x"] < upper["x"] + upper["width"] and upper["x"] < lower["x"] + lower["width"]
    return side_by_side and -1 <= gap < 30
