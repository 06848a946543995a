"""The page as a plain Streamlit script, without app.py: it trains through script runs."""

from __future__ import annotations

import pytest

from lab.experiment.experiment import Experiment
from lab.training.build import build

pytestmark = pytest.mark.browser


def test_the_script_alone_trains(start, visit):
    alone = start("ui/router.py")
    visitor = visit(alone.url).open("dataset=xor&epochs=4")
    assert visitor.facts["mode"] == "rerun"
    assert visitor.facts["status"] == "idle"
    visitor.page.locator(".live-confusion tbody").wait_for()
    picture = visitor.pixels(".live-map-colors")
    trainer = build(Experiment(dataset="xor")).trainer
    trainer.epoch()
    assert float(visitor.step(1)["trainLoss"]) == trainer.evaluate().train_loss
    visitor.until_pixels(".live-map-colors", lambda now: now != picture)
    visitor.settle()
    visitor.press("Play")
    visitor.until("facts.epoch > 1 && facts.status === 'running'", 30)
    stopped = visitor.until("facts.status === 'stopped'", 60)
    assert stopped["epoch"] == "4"
    assert "Stopped after 4 epochs." in visitor.status_line
    visitor.button("Play").wait_for()
    assert visitor.sockets == []
