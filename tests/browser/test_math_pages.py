"""The Functions and One step pages in a real browser; every control is named."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, ViewportSize, expect

from tests.browser.controls import FRAME, offered, save_menus, saved
from tests.browser.playground import PHONE, SCREEN, WAIT_S, Playground, eventually

pytestmark = pytest.mark.browser

SIGNS = {
    "Losses": "mean loss of this batch",
    "Softmax": "The largest probability is",
    "Three sliders": "Logit 3",
    "Mini-batch": "The latest batch has",
    "Typed point": "True class",
    "Gradient check": "Every gradient is right",
    "In C": "static inline void multiply(int M, int N, int K,",
}

# Names of the controls; each option is pressed below or, without a browser, in tests/ui.
FUNCTIONS = {
    *("Play", "Step", "Speed", "Activations", "Losses", "Softmax"),
    *("Six layers of sigmoids", "ReLUs at a high learning rate", "three classes"),
    *("Activation", "Compare with", "Depth on the left", "Dots: layer", "Data point", "Increment", "Decrement"),
    *("Loss", "Target t", "Temperature", "This network", "Three sliders", "Logit 1", "Logit 2", "Logit 3"),
}
ONE_STEP = {
    *("Walkthrough", "Gradient check", "In C", "one neuron", "six layers of sigmoids", "Back", "Next", "Section"),
    *("Training point", "Test point", "Mini-batch", "Typed point", "Point", "Increment", "Decrement"),
    *("Parameter of", "From", "To", "Neurons shown from (0 = strongest)", "x1", "x2", "True class"),
    *("Plant the bug", "In"),
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


LAPTOP: ViewportSize = {"width": 1366, "height": 650}  # of a school, with the bars of the browser
EXPLANATION = "What you see, what to try, and why"
# Whether the circles show all numbers of the figure, of which there are some. A zero-width space stands for none.
NUMBERS = """key => {
  const plot = document.querySelector(`.st-key-${key} .js-plotly-plot`);
  const visible = texts => texts.map(text => text.replace('\u2212', '-')).filter(text => text !== '\u200b');
  const wanted = visible(plot.data.flatMap(trace => trace.text ?? []));
  const shown = visible([...plot.querySelectorAll('.textpoint text')].map(node => node.textContent));
  return wanted.length > 0 && JSON.stringify(shown) === JSON.stringify(wanted);
}"""


def swipe(playground: Playground, chart: Locator) -> float:
    """Swipe a finger up over a chart; returns by how many pixels the page has scrolled."""
    page = playground.page
    page.set_viewport_size(PHONE)
    chart.evaluate("box => box.scrollIntoView({ block: 'center' })")
    top = "document.querySelector('.stMain').scrollTop"
    before, box = page.evaluate(top), chart.bounding_box() or {}
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    finger = page.context.new_cdp_session(page)
    for kind, places in (("Start", [y]), *(("Move", [y - 10 * n]) for n in range(1, 13)), ("End", [])):
        points = [{"x": x, "y": place} for place in places]
        finger.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
        page.evaluate("() => new Promise(requestAnimationFrame)")
    eventually(lambda: page.evaluate(top) > before, WAIT_S)
    after = page.evaluate(top)
    page.set_viewport_size(SCREEN)
    return after - before


def traces(playground: Playground, key: str) -> list[str]:
    plot = playground.page.locator(
        f".st-key-{key} .js-plotly-plot"
    ).last  # the old one remains until the new one is drawn
    return plot.evaluate("plot => (plot.data ?? []).map(trace => trace.name)")


def pick(playground: Playground, name: str, sign: str) -> None:
    """Choose a segment and wait for `sign`, a text that only its view has."""
    playground.page.get_by_role("radio", name=name, exact=True).click()
    playground.reads(sign)


def epoch(playground: Playground) -> int:
    caption = playground.page.get_by_text("Bars: distribution of z").inner_text()
    return int(caption.split(":")[0].split(".")[0].removeprefix("Epoch ").replace(",", ""))


def test_the_functions_page_follows_the_running_network(playground):
    playground.open("dataset=spiral3&activations=elu&hidden=14").go("Functions")  # of a visitor with a network
    playground.button("Increment").first.wait_for()  # once the width of its box is known
    playground.settle()
    playground.page.set_viewport_size(LAPTOP)
    plot = playground.page.locator(".st-key-fn_shape .js-plotly-plot")
    assert eventually(lambda: (box := plot.bounding_box()) and box["y"] + box["height"] <= LAPTOP["height"], WAIT_S)
    playground.page.get_by_text(EXPLANATION).click()
    found = offered(playground)
    assert epoch(playground) == 0
    playground.press("Step")
    playground.reads("Epoch 1. Bars")
    playground.choose("Speed", "Full speed")
    playground.press("Play")
    playground.button("Pause").wait_for()
    assert eventually(lambda: epoch(playground) > 20, WAIT_S)
    playground.press("Pause")
    playground.button("Play").wait_for()
    playground.choose("Activation", "Leaky ReLU")
    assert eventually(lambda: traces(playground, "fn_shape")[:1] == ["Leaky ReLU"], WAIT_S)
    shape, layer = save_menus(playground)
    assert layer == "Pre-activations of layer 1"
    assert "this network" in saved(playground, shape, "SVG")[1].decode()
    for kind, key in (("Losses", "fn_loss_shape"), ("Softmax", "fn_softmax"), ("Three sliders", "fn_softmax")):
        pick(playground, kind, SIGNS[kind])
        playground.page.locator(f".st-key-{key} .js-plotly-plot").last.wait_for()
        found |= offered(playground)
    assert found - FRAME == FUNCTIONS
    playground.go("Playground")
    assert int(playground.until("facts.frame > 0")["epoch"]) > 20  # it is the visitor's own run


def test_one_step_is_explained_for_a_clicked_point(playground):
    playground.open_page("One step", "dataset=spiral3&hidden=14,4")
    page = playground.page
    page.get_by_role("heading", name="Input").wait_for()
    playground.button("Increment").first.wait_for()  # once the width of its box is known
    page.get_by_text(EXPLANATION).click()
    page.get_by_role("link", name="one neuron").wait_for()
    found = offered(playground)
    page.locator(".st-key-step_map .charts:not([data-drawn='0']) .scatterlayer").wait_for()
    x, y = page.evaluate(PLACE, ["step_map", "train", 20])
    page.mouse.click(x, y)
    chosen = page.get_by_role("spinbutton", name="Point", exact=True)
    assert eventually(lambda: chosen.input_value() != "1", WAIT_S)
    playground.press("Next")
    page.get_by_role("heading", name="Hidden layer 1: forward").wait_for()
    page.keyboard.press("ArrowRight")
    page.get_by_role("heading", name="Hidden layer 2: forward").wait_for()
    page.keyboard.press("ArrowLeft")
    page.get_by_role("heading", name="Hidden layer 1: forward").wait_for()
    for _ in range(3):
        assert eventually(lambda: page.evaluate(NUMBERS, "step_network"), WAIT_S)
        playground.press("Next")
        playground.settle()
    playground.slide("Section", "End")
    page.get_by_role("heading", name="Optimizer step").wait_for()
    assert eventually(lambda: page.evaluate(NUMBERS, "step_network"), WAIT_S)
    assert swipe(playground, page.locator(".st-key-step_network .js-plotly-plot")) > 0  # scrolls the page
    playground.reads("Your run has not changed.")
    playground.choose("Parameter of", "Output layer")
    expect(page.get_by_role("combobox", name="From", exact=True)).to_have_value(re.compile("neuron [1-4]"))
    playground.choose("From", "bias")
    bias = page.locator(".katex annotation", has_text=re.compile(r"b\^\{\(3\)\}_\{\d\}: "))
    assert eventually(lambda: bias.count() == 1, WAIT_S)
    assert page.locator(".katex-error").count() == 0
    assert len(save_menus(playground)) == 2
    for kind in ("Mini-batch", "Typed point", "Gradient check", "In C"):
        pick(playground, kind, SIGNS[kind])
        found |= offered(playground)
    assert not page.get_by_text("press Next until the loss is smaller").is_visible()  # there is no such button now
    assert found - FRAME == ONE_STEP
    playground.go("Playground")
    assert playground.until("facts.frame > 0")["epoch"] == "0"


def test_a_pending_chart_can_be_neither_played_nor_saved(visit, server):
    visitor = visit(server.url)
    visitor.page.route("**/plotly*.min.js", lambda route: None)  # Plotly never arrives
    visitor.open_page("Functions")
    visitor.page.locator(".charts-plot").first.wait_for()
    assert visitor.page.locator(".charts-player").count() > 0
    assert "Animate" not in offered(visitor)
    assert not any(button.is_visible() for button in visitor.page.locator(".live-save").all())  # nothing to save yet
