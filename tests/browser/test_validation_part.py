"""A validation part on the page: offered, held out, watched by early stopping, and shown."""

from __future__ import annotations

import re

import pytest

from tests.browser.controls import saved
from tests.browser.playground import WAIT_S, eventually
from tests.browser.test_accessibility import barriers
from tests.browser.test_readouts import read

pytestmark = pytest.mark.browser

PATIENCE = "Stop after this many epochs without improvement (0 = never)"
HOLD_OUT = "Hold out 20% for validation"
LINES = """chart => [...document.querySelectorAll(`[data-chart=${chart}] .scatterlayer .trace path.js-line`)]
  .map(line => line.getTotalLength())"""
CURVES = """() => document.querySelector('[data-chart=loss] .js-plotly-plot').data
  .map(({ name, x, y }) => ({ name, x: [...x], y: [...y] }))"""


@pytest.mark.everything
def test_early_stopping_by_the_offered_validation_part(playground):
    playground.open("dataset=moons&noise=0.4&samples=80&learning_rate=0.1&speed=fast")
    assert "Validation loss" not in read(playground)
    assert not playground.button(HOLD_OUT).count()
    playground.unfold("Stop rules")
    playground.enter(PATIENCE, 20)
    playground.linked(patience="20")
    popover = playground.page.get_by_test_id("stPopoverBody")
    popover.get_by_text("Early stopping and a wanted accuracy or R² look at the training part").wait_for()
    playground.fold()
    playground.reads("Stop rules look at the training part now.")
    assert barriers(playground) == []
    build = playground.facts["build"]
    playground.press(HOLD_OUT)
    playground.linked(patience="20", validation_share="0.2")
    playground.until(f"facts.build > {build} && facts.validationLoss")
    playground.button(HOLD_OUT).wait_for(state="detached")
    playground.press("Play")
    facts = playground.until("facts.status === 'stopped'")
    ended = re.search(
        r"The validation loss has not improved for 20 epochs; the best weights, of epoch (\d+), are restored\.",
        " ".join(playground.status_line.split()),
    )
    assert ended
    best = int(ended[1])
    assert int(facts["epoch"]) >= best + 20

    for chart in ("loss", "accuracy"):

        def are_drawn(chart=chart) -> bool:
            lengths = playground.page.evaluate(LINES, chart)
            return len(lengths) == 3 and min(lengths) > 20  # pixels

        assert eventually(are_drawn, WAIT_S)
        playground.page.locator(f"[data-chart={chart}] .live-curve-marks").get_by_text(
            "validation", exact=True
        ).wait_for()
    drawn = "document.querySelector('[data-chart=loss] .js-plotly-plot').data[2].x.at(-1)"
    playground.until(f"{drawn} == {facts['epoch']}")
    curves = {curve["name"]: curve for curve in playground.page.evaluate(CURVES)}
    validation = curves["validation"]
    lowest = min(validation["y"])
    assert validation["x"][validation["y"].index(lowest)] == best
    assert float(facts["validationLoss"]) == pytest.approx(lowest, rel=1e-4)
    shown = read(playground)
    assert float(shown["Validation loss"]) == pytest.approx(lowest, abs=1e-4)
    assert "Validation accuracy" in shown
    assert "validation" in playground.page.locator(".live-legend").inner_text()
    assert barriers(playground) == []
    svg = saved(playground, "loss", "SVG")[1].decode()
    assert all(f">{name}<" in svg for name in curves)
