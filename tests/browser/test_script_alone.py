"""The page as a plain script, without the server around it: it trains through script runs, slower but the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.serving import Server
from lab.experiment.experiment import Experiment
from lab.training.build import build

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def alone(port) -> Iterator[Server]:
    running = Server("ui/router.py", port)
    yield running
    running.stop()


def test_the_script_alone_opens_steps_plays_and_stops(alone, visit):
    visitor = visit(alone.url).open("dataset=xor&epochs=12")
    assert visitor.facts["mode"] == "rerun"
    assert visitor.facts["status"] == "idle"
    picture = visitor.pixels(".live-map-colors")
    trainer = build(Experiment(dataset="xor")).trainer
    trainer.epoch()
    assert float(visitor.step(1)["trainLoss"]) == trainer.evaluate().train_loss
    visitor.until_pixels(".live-map-colors", lambda now: now != picture)
    visitor.settle()
    visitor.press("Play")
    visitor.until("facts.epoch > 1 && facts.status === 'running'", 30)
    stopped = visitor.until("facts.status === 'stopped'", 60)
    assert stopped["epoch"] == "12"
    assert "12 epochs are done." in visitor.said
    visitor.button("Play").wait_for()
    assert visitor.sockets == []


def test_settings_and_run_of_the_script_alone_survive_another_page(alone, visit):
    visitor = visit(alone.url).open("hidden=4")
    visitor.slide("Learning rate", "ArrowRight")
    visitor.linked(learning_rate="0.1")
    visitor.step(1)
    visitor.settle()
    visitor.go("Help")
    visitor.page.get_by_role("heading", name="Help", exact=True).wait_for()
    visitor.go("Playground")
    visitor.until("facts.frame > 0 && facts.epoch == 1 && facts.learningRate === '0.1'")
    visitor.linked(hidden="4", learning_rate="0.1")
