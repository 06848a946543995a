"""The tiles that a browser fetches while they train are those that the page draws."""

from __future__ import annotations

import numpy as np
import pytest

from lab.experiment.experiment import Experiment
from lab.experiment.group import Group
from lab.protocol.messages import Reply
from lab.queries.table import ask
from lab.training.run import Run
from ui.compare import tiles
from ui.compare.maps import listed
from ui.compare.outcomes import Outcomes

E = Experiment(samples=60, hidden=(4,))
GROUP = Group(E, "learning_rate", (0.01, 0.1, 10.0), 2, epochs=400, field2="l2", values2=(0.0, 0.1))


@pytest.fixture
def worker(monkeypatch):
    """Answers questions, training for a moment before each."""
    run = Run(E)

    def answer(name, **options):
        run.advance(0.001)
        return ask(run, name, options, {})

    monkeypatch.setattr("ui.session.state.ask", answer)
    return answer


def drawn(found: Outcomes):
    return listed(tiles.all_tiles(found, "light"))


def test_fetched_tiles_end_as_the_page_draws_them(worker):
    found, shown = Outcomes(GROUP), []
    live = tiles.LiveTiles(found, "light")
    assert not live.is_followed
    while question := live.question():
        assert live.is_followed == bool(shown)  # a question without an answer is left to a script run
        shown.append(live.take(question, Reply(*worker(question.name, **question.parameters))))
        assert shown[-1] == {"name": tiles.offer_name(found), "pictures": drawn(found)}
    labels = [tile["label"] for each in shown for tile in each["pictures"].values()]
    assert any("epochs" in label for label in labels)  # seen while they train
    alone = Outcomes(GROUP)
    alone.work(60.0)
    assert found.ended
    assert shown[-1]["pictures"] == drawn(alone)
    assert np.array_equal(found.losses, alone.losses)


def test_an_answer_that_comes_twice_counts_once(worker):
    found = Outcomes(GROUP)
    while not found.status:
        question = found.question(so_far=True)
        header, arrays = worker(question.name, **question.parameters)
        for _ in range(2):  # to the browser and to a script run, for example
            found.take(question, header, arrays)
    assert len(found.status) == len(found.losses) == len(header["status"])


def test_nothing_is_taken_after_stop(worker):
    found = Outcomes(GROUP)
    live = tiles.LiveTiles(found, "light")
    question = live.question()
    assert question
    found.stop()
    before = drawn(found)
    assert live.take(question, Reply(*worker(question.name, **question.parameters)))["pictures"] == before
    assert live.question() is None
