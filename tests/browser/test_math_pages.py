"""The pages on the mathematics in a real browser: what moves, what is clicked, and that nothing is left untried."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.playground import PATIENCE, Playground, eventually
from tests.browser.test_controls import offered

pytestmark = pytest.mark.browser

SIGNS = {
    "Losses": "mean loss of this batch",
    "Softmax": "The largest share is",
    "Three sliders": "Logit 3",
    "Mini-batch": "The latest batch has",
    "Typed point": "True class",
    "Gradient check": "Every gradient is right",
}

PLACE = """([key, part, number]) => {
  const plot = document.querySelector(`.st-key-${key} .js-plotly-plot`);
  const { xaxis, yaxis } = plot._fullLayout;
  for (const trace of plot._fullData) {
    const at = (trace.customdata ?? []).findIndex(([p, n]) => p === part && n === number);
    if (at < 0) continue;
    const box = plot.getBoundingClientRect();
    return [box.left + xaxis._offset + xaxis.d2p(trace.x[at]), box.top + yaxis._offset + yaxis.d2p(trace.y[at])];
  }
}"""


def says(playground: Playground, text: str) -> None:
    playground.page.get_by_text(text).first.wait_for()


def traces(playground: Playground, key: str) -> list[str]:
    plot = playground.page.locator(
        f".st-key-{key} .js-plotly-plot"
    ).last  # the old one stays until the new one is drawn
    return plot.evaluate("plot => (plot.data ?? []).map(trace => trace.name)")


def pick(playground: Playground, name: str, sign: str) -> None:
    """Choose a segment; sign: a text that only the chosen view has."""
    playground.page.get_by_role("radio", name=name, exact=True).click()
    says(playground, sign)
    playground.settle()


def select(playground: Playground, label: str, option: str) -> None:
    """Pick an option of a select box, in view first: a list that has dropped down closes when the page scrolls."""
    box = playground.page.get_by_role("combobox", name=label, exact=True)
    playground.settle()
    box.evaluate("box => box.scrollIntoView({ block: 'center' })")
    box.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    playground.settle()
    playground.choose(label, option)


def epoch(playground: Playground) -> int:
    caption = playground.page.get_by_text("Bars: where z lies").inner_text()
    return int(caption.split(":")[0].split(".")[0].removeprefix("Epoch ").replace(",", ""))


def test_the_functions_page_follows_the_network_while_it_trains(playground):
    playground.open().go("Functions")  # by the navigation bar: a visitor who has a network already
    playground.page.get_by_role("heading", name="Functions", exact=True).wait_for()
    playground.settle()
    assert epoch(playground) == 0
    playground.press("Step")
    says(playground, "Epoch 1. Bars")
    select(playground, "Speed", "As fast as it can")
    playground.press("Play")
    playground.button("Pause").wait_for()
    assert eventually(lambda: epoch(playground) > 20, PATIENCE)
    playground.press("Pause")
    playground.button("Play").wait_for()
    select(playground, "Activation", "Leaky ReLU")
    assert eventually(lambda: traces(playground, "fn_shape")[:1] == ["Leaky ReLU"], PATIENCE)
    for kind, key in (("Losses", "fn_loss_shape"), ("Softmax", "fn_softmax")):
        pick(playground, kind, SIGNS[kind])
        playground.page.locator(f".st-key-{key} .js-plotly-plot").wait_for()
    playground.go("Playground")
    assert int(playground.until("facts.frame > 0")["epoch"]) > 20  # it is the visitor's own run


def test_a_step_is_walked_by_buttons_and_keys_from_a_point_that_was_clicked(playground):
    playground.come("One step")
    page = playground.page
    page.get_by_role("heading", name="Input").wait_for()
    page.locator(".st-key-step_map .charts:not([data-drawn='0']) .scatterlayer").wait_for()
    x, y = page.evaluate(PLACE, ["step_map", "train", 20])
    page.mouse.click(x, y)
    chosen = page.get_by_role("spinbutton", name="Point", exact=True)
    assert eventually(lambda: chosen.input_value() != "1", PATIENCE)
    playground.press("Next")
    page.get_by_role("heading", name="Hidden layer 1: forward").wait_for()
    page.keyboard.press("ArrowRight")
    page.get_by_role("heading", name="Hidden layer 2: forward").wait_for()
    page.keyboard.press("ArrowLeft")
    page.get_by_role("heading", name="Hidden layer 1: forward").wait_for()
    playground.slide("Station", "End")
    page.get_by_role("heading", name="The step of the optimiser").wait_for()
    says(playground, "Your run has not been touched.")
    select(playground, "Parameter of", "Output layer")
    expect(page.get_by_role("combobox", name="From", exact=True)).to_have_value("unit 1")
    select(playground, "From", "bias")
    bias = page.locator(".katex annotation", has_text="b^{(3)}_{1}: ")
    assert eventually(lambda: bias.count() == 1, PATIENCE)
    assert page.locator(".katex-error").count() == 0
    playground.go("Playground")
    assert playground.until("facts.frame > 0")["epoch"] == "0"


def test_the_gradient_check_catches_the_planted_bug_on_the_screen(playground):
    playground.come("One step", "dataset=spiral3&hidden=5")
    pick(playground, "Gradient check", SIGNS["Gradient check"])
    plant = playground.page.get_by_role("switch", name="Plant the bug").locator("xpath=ancestor::label")
    plant.click()
    says(playground, "The gradient is wrong for the biases of hidden layer 1")
    select(playground, "In", "Output layer")
    says(playground, "The gradient is wrong for the biases of output layer")
    crosses = "plot => plot._fullData?.find(trace => trace.name === 'does not agree').x.length"
    plot = playground.page.locator(".st-key-check_agreement .js-plotly-plot").last
    assert eventually(lambda: plot.evaluate(crosses) == 3, PATIENCE)
    playground.page.get_by_text("Show me the source").click()
    says(playground, "class WrongAxis(Dense):")
    plant.click()
    says(playground, "Every gradient is right")


def test_charts_that_are_still_to_be_drawn_offer_neither_a_step_to_play_nor_a_picture_to_save(visit, server):
    visitor = visit(server.url)
    visitor.page.route("**/plotly*.js*", lambda route: None)  # Plotly is slow to come
    visitor.come("Functions")
    visitor.page.locator(".charts-plot").first.wait_for()
    assert visitor.page.locator(".charts-player").count() > 0
    assert "Animate" not in offered(visitor)
    assert not any(button.is_visible() for button in visitor.page.locator(".live-save").all())  # nothing to save yet


# Pressed above or, option by option and without a browser, in tests/ui.
FUNCTIONS = {
    *("Play", "Step", "Speed", "Activations", "Losses", "Softmax"),
    *("Six layers of sigmoids", "ReLUs at a high rate", "three classes"),
    *("Activation", "Compare with", "Depth on the left", "Dots: layer", "Data point", "Increment", "Decrement"),
    *("Loss", "Target t", "Temperature", "This network", "Three sliders", "Logit 1", "Logit 2", "Logit 3"),
}
ONE_STEP = {
    *("The walk", "Gradient check", "one unit", "six layers of sigmoids", "Back", "Next", "Station"),
    *("Training point", "Test point", "Mini-batch", "Typed point", "Point", "Increment", "Decrement"),
    *("Parameter of", "From", "To", "Units shown from (0: strongest)", "x1", "x2", "True class"),
    *("Plant the bug", "In"),
}
FRAME = {  # tested in test_controls.py
    "Navigate to home page", "Playground", "Functions", "One step", "Optimizers", "Health", "Images", "Data", "Save",
    "Device", "Help",
}  # fmt: skip


def test_every_control_of_the_pages_is_pressed_by_a_test(playground):
    playground.come("Functions", "dataset=spiral3&activations=elu&hidden=14")
    playground.button("Increment").first.wait_for()  # once the width of its box is known
    found = offered(playground)
    for kind in ("Losses", "Softmax", "Three sliders"):
        pick(playground, kind, SIGNS[kind])
        found |= offered(playground)
    assert found - FRAME == FUNCTIONS
    playground.go("One step")
    playground.page.get_by_role("heading", name="Input", exact=True).wait_for()
    playground.settle()
    found = offered(playground)
    for kind in ("Mini-batch", "Typed point", "Gradient check"):
        pick(playground, kind, SIGNS[kind])
        found |= offered(playground)
    assert found - FRAME == ONE_STEP
