"""Response curves under the settings, and the speed that shows the finished run while a slider is dragged."""

from __future__ import annotations

import re
from statistics import median

import numpy as np
import pytest

from engine import ACTIVATIONS
from lab.experiment.experiment import Experiment
from lab.experiment.fields import RATE_STEPS
from lab.experiment.group import CANDIDATES
from lab.protocol.speed import SPEEDS
from lab.training.build import build
from tests.browser.playground import WAIT_S, Playground, eventually
from tests.browser.test_accessibility import barriers

pytestmark = pytest.mark.browser

QUERY = "samples=60&hidden=4&epochs=20&controls=simple&hide=activation&responses=true"
E = Experiment(samples=60, hidden=(4,), epochs=20)
SHOW = "Show where each setting leads"
RUNS = ".response[data-field=learning_rate] .response-curve"
BARS = ".response[data-field=activations] .response-bar"
CENTERS = """field => {
  const center = element => { const { left, width } = element.getBoundingClientRect(); return left + width / 2; };
  const thumb = `[class*=st-key-field_${field}] [data-testid=stSliderThumbValue]`;
  return [`.response[data-field=${field}] .response-present`, thumb].map(it => center(document.querySelector(it)));
}"""

IS_WHOLE = """tip => {  // its lower edge is seen, and nothing cuts it off
  const { left, bottom, width } = tip.getBoundingClientRect();
  tip.style.pointerEvents = 'auto';
  return tip.contains(document.elementFromPoint(left + width / 2, bottom - 2));
}"""


def trained(e: Experiment):
    trainer = build(e).trainer
    trainer.run_for(np.inf, epochs=e.epochs)
    return trainer


def final_loss(e: Experiment, number: int) -> float:
    """The test loss of the single run of a link, with the first initial weights or later ones."""
    trainer = trained(e.change(weight_seed=e.seed + number) if number else e)
    return np.inf if trainer.divergence else trainer.evaluate().test_loss


def chart(playground: Playground, label: str):
    return playground.page.get_by_role("slider", name=f"Where {label} leads", exact=True)


def is_marked_below_the_thumb(page) -> bool:
    present, thumb = page.evaluate(CENTERS, "learning_rate")
    return abs(present - thumb) <= 1


def complete(playground: Playground, field: str, runs: int) -> None:
    """Wait until a curve has this number of runs."""
    found = f"document.querySelector('.response[data-field={field}] .response-curve')?.dataset.runs"
    playground.until(f"{found} == {runs}", 2 * WAIT_S)


def test_a_curve_is_below_its_slider_and_its_values_are_taken(playground):
    page = playground.open(QUERY).page
    complete(playground, "learning_rate", 5 * len(RATE_STEPS))
    assert eventually(lambda: is_marked_below_the_thumb(page), WAIT_S)
    curve = chart(playground, "Learning rate")
    curve.focus()
    curve.press("Home")
    for rate in RATE_STEPS[:3]:
        expected = median(final_loss(E.change(learning_rate=rate), number) for number in range(5))
        said = curve.get_attribute("aria-valuetext")
        assert f"Learning rate {rate:g}" in said
        assert f"test loss {expected:.4f}" in said
        curve.press("ArrowRight")
    tip = page.locator(".response-tip")
    assert "Click or Enter takes it." in tip.inner_text()
    tip.locator("canvas").wait_for()  # its map is computed when it is pointed at
    curve.press("Home")
    curve.press("Enter")
    playground.linked(learning_rate="1e-05")
    playground.until("facts.learningRate == 0.00001")
    box = curve.bounding_box()
    page.mouse.click(*centre_of(page, "learning_rate", 7))
    playground.linked(learning_rate="0.3")
    playground.until("facts.learningRate == 0.3")
    assert box == curve.bounding_box()
    assert eventually(lambda: is_marked_below_the_thumb(page), WAIT_S)
    assert barriers(playground) == []
    playground.press("Hold out 20%")
    playground.linked(validation_share="0.2")
    playground.until("document.querySelector('.response[data-field=learning_rate] [data-part=validation]')", 2 * WAIT_S)
    assert "validation loss" in (curve.get_attribute("aria-valuetext") or "")
    playground.tick(SHOW)
    playground.linked(responses=None)
    assert page.locator(".response").count() == 0


def centre_of(page, field: str, place: int) -> tuple[float, float]:
    """The middle of the mark of a value on the screen; a curve that is drawn again has none for a moment."""
    mark = page.locator(f".response[data-field={field}] .response-dot").nth(place)
    box = eventually(mark.bounding_box, WAIT_S)
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_locked_setting_shows_its_curve_and_keeps_its_value(playground):
    page = playground.open(f"{QUERY}&lock=rate").page
    complete(playground, "learning_rate", 5 * len(RATE_STEPS))
    page.mouse.click(*centre_of(page, "learning_rate", 7))
    assert "Set by the author of this link." in page.locator(".response-tip").inner_text()
    complete(playground, "noise", 55)
    chart(playground, "Noise").press("End")
    page.keyboard.press("Enter")
    playground.linked(noise="0.5", learning_rate=None)


def test_a_long_curve_is_computed_and_stopped_by_a_press_and_menus_have_bars(playground):
    page = playground.open("samples=500&hidden=128,128&epochs=500&controls=simple&responses=true").page
    compute = playground.button(re.compile(r"^Compute where Learning rate leads, about \d+ s$"))
    words = page.locator(".response[data-field=learning_rate] .response-words")
    compute.wait_for()
    assert re.fullmatch(r"compute \(\d+ s\)", words.inner_text())
    assert not chart(playground, "Learning rate").is_visible()
    compute.click()
    complete(playground, "learning_rate", 2)
    assert re.search(rf"\b\d+ of {len(RATE_STEPS)}\b", words.inner_text())
    count = words.inner_text()
    playground.button("Stop computing where Learning rate leads").hover()
    page.mouse.down()
    assert eventually(lambda: words.inner_text() != count, WAIT_S)  # a press lasts, and meanwhile runs end
    page.mouse.up()
    compute.wait_for()
    playground.answers(2)
    runs = page.locator(RUNS).get_attribute("data-runs")
    playground.answers(3)
    assert page.locator(RUNS).get_attribute("data-runs") == runs
    assert chart(playground, "Learning rate").is_visible()
    playground.open(QUERY.replace("&hide=activation", "").replace("simple", "everything"))
    names = list(ACTIVATIONS)
    complete(playground, "activations", 5 * len(names))
    bars = {name: page.locator(BARS).nth(names.index(name)).bounding_box() for name in ("linear", "tanh", "relu")}
    losses = [median(final_loss(E.change(activations=(name,)), number) for number in range(5)) for name in bars]
    assert list(np.argsort([bar["height"] for bar in bars.values()])) == list(np.argsort(losses))
    chosen = bars["relu"]
    page.mouse.click(chosen["x"] + chosen["width"] / 2, chosen["y"] + chosen["height"] / 2)
    playground.linked(activations="relu")
    playground.press("Layer sizes")
    sizes = chart(playground, "Hidden layers")
    complete(playground, "hidden", 5 * len(CANDIDATES["hidden"]))
    sizes.press("End")
    expected = median(final_loss(E.change(activations="relu", hidden=(8, 8, 8)), number) for number in range(5))
    said = sizes.get_attribute("aria-valuetext") or ""
    assert "Hidden layers 8-8-8" in said
    assert f"test loss {expected:.4f}" in said
    assert page.locator(".response-tip").evaluate(IS_WHOLE)
    sizes.press("Enter")
    playground.linked(activations="relu", hidden="8,8,8")


def test_at_the_speed_instant_a_dragged_slider_shows_finished_runs(playground):
    page = playground.open("samples=60&hidden=4&epochs=20&controls=simple").page
    label = f"{SPEEDS['instant'].label}: 20 epochs"
    playground.choose("Speed", label)
    playground.linked(speed="instant")
    assert playground.facts["epoch"] == "0"
    track = page.get_by_role("group", name="Learning rate", exact=True).locator("> *").bounding_box()
    y = track["y"] + track["height"] / 2
    page.mouse.move(track["x"] + track["width"] / 2, y)
    page.mouse.down()
    rates = [rate for rate in RATE_STEPS if 0.03 < rate < 1]
    for rate in rates:
        page.mouse.move(track["x"] + track["width"] * RATE_STEPS.index(rate) / (len(RATE_STEPS) - 1), y, steps=4)
        loss = trained(E.change(learning_rate=rate)).evaluate().test_loss
        playground.until(f"facts.learningRate == {rate} && facts.epoch == 20 && facts.testLoss == {loss!r}")
    page.mouse.up()
    playground.linked(learning_rate=f"{rates[-1]:g}")
    shown = playground.until("facts.epoch == 20 && facts.status === 'stopped'")
    assert float(shown["testLoss"]) == trained(E.change(learning_rate=rates[-1])).evaluate().test_loss
    assert re.search("Stopped after 20 epochs", playground.status_line)
    playground.press("Reset")
    playground.until("facts.epoch == 0 && facts.status === 'idle'")
