"""Batch, Step, Reset and New weights, an activation for each layer, smoothed curves, dragged sliders."""

from __future__ import annotations

import re

import pytest

from engine import ACTIVATIONS
from lab.experiment.experiment import Experiment
from lab.training.build import build
from tests.browser.playground import some

pytestmark = pytest.mark.browser

FIRST_TRACES = "document.querySelectorAll('.js-plotly-plot')[{chart}]?.data?.map(trace => Array.from(trace.y))"


@pytest.mark.everything
def test_batch_trains_one_batch_and_reset_returns_to_the_weights(playground):
    playground.open()
    trainer = build(Experiment()).trainer
    by_key = playground.page.locator("body")
    for press in (lambda: playground.press("Batch"), lambda: by_key.press("b")) * 2:
        trainer.step()
        press()
        expected = trainer.evaluate()
        playground.until(f"facts.trainLoss == {expected.train_loss!r} && facts.testLoss == {expected.test_loss!r}")
    assert some(playground.facts, "epoch", "status") == {"epoch": "0", "status": "paused"}

    first = playground.step(1)
    playground.page.get_by_role("img", name=re.compile(r"^Map of .+, after 1 epoch\.$")).wait_for()
    playground.press("New weights")
    playground.linked(weight_seed="2")
    other = playground.until(f"facts.build > {first['build']} && facts.epoch == 0")
    expected = build(Experiment(weight_seed=2)).trainer.evaluate()
    assert float(other["trainLoss"]) == expected.train_loss != build(Experiment()).trainer.evaluate().train_loss
    playground.step(1)
    playground.press("Reset")
    again = playground.until("facts.status === 'idle' && facts.epoch == 0")
    assert some(again, "trainLoss", "testLoss") == some(other, "trainLoss", "testLoss")
    playground.page.locator("body").press("n")
    playground.linked(weight_seed="3")


def test_a_layer_has_its_own_activation_and_follows_a_dragged_slider(playground):
    before = playground.open().step(1)
    menu = playground.page.get_by_role("combobox", name="Activation of layer 1", exact=True)
    assert menu.locator("option").all_inner_texts() == [activation.label for activation in ACTIVATIONS.values()]
    menu.select_option(label=ACTIVATIONS["relu"].label)
    playground.linked(activations="relu,tanh")
    playground.until(f"facts.build > {before['build']} && facts.epoch == 0")
    after = playground.step(1)
    trainer = build(Experiment(activations=("relu", "tanh"))).trainer
    trainer.epoch()
    assert float(after["trainLoss"]) == trainer.evaluate().train_loss
    menu.select_option(label=ACTIVATIONS["tanh"].label)
    playground.linked(activations=None)
    playground.until(f"facts.build > {after['build']} && facts.epoch == 0")
    playground.step(1)
    for slider, followed, link in (
        ("Learning rate", "Number(facts.learningRate) > 1", {"learning_rate": "10"}),
        ("Noise", "facts.build > {build}", {"noise": "0.5"}),
    ):
        link_before, number = playground.link, playground.facts["build"]
        box, mouse = playground.slider(slider).bounding_box(), playground.page.mouse
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        mouse.move(x, y)
        mouse.down()
        for _ in range(20):
            x += 20
            mouse.move(x, y)
        playground.until(followed.format(build=number))
        assert playground.link == link_before
        mouse.up()
        playground.linked(**link)


@pytest.mark.everything
def test_a_smoothed_curve_is_an_exponential_average(playground):
    playground.open("epochs=30&speed=max&noise=0.4").press("Play")
    playground.until("facts.status === 'stopped'")
    for chart, name in enumerate(("Smooth the loss", "Smooth the accuracy")):
        traces = FIRST_TRACES.format(chart=chart)
        playground.until(f"{traces}?.every(y => y.length === 31)")
        measured = playground.page.evaluate(traces)
        playground.press(name)
        assert playground.button(name).get_attribute("aria-pressed") == "true"
        for raw, smooth in zip(measured, playground.page.evaluate(traces), strict=True):
            mean = raw[0]
            for value, shown in zip(raw, smooth, strict=True):
                mean = 0.8 * mean + 0.2 * value
                assert shown == pytest.approx(mean, rel=1e-5)
            assert smooth != raw
        playground.press(name)
        assert playground.page.evaluate(traces) == measured
