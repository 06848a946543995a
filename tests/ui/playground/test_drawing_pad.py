"""Messages of the drawing pad, and a typed feature, without a browser."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from data.sources import hand_drawn
from lab.experiment.experiment import Experiment
from ui.playground import drawing_pad, features

TWO = [[-4, 4, 0], [-4, 2, 0], [4, -4, 1], [4, -2, 1]]


@pytest.fixture
def page(monkeypatch) -> SimpleNamespace:
    """The state of a visitor without Streamlit: the experiment, the notes, and the commands sent to the run."""
    page = SimpleNamespace(now=Experiment(noise=0.3), notes={}, commands=[], trains=False)

    def change(**fields: Any) -> None:
        page.now = page.now.change(**fields)

    fake = SimpleNamespace(
        experiment=lambda: page.now, change=change, training=lambda: page.trains, command=page.commands.append,
        notes=lambda: page.notes,
    )  # fmt: skip
    monkeypatch.setattr(drawing_pad, "state", fake)
    monkeypatch.setattr(features, "state", fake)
    return page


def pad_options() -> dict[str, Any]:
    """The options of the open pad."""
    options = drawing_pad.options()
    assert options is not None
    return options


def test_the_pad_opens_on_own_points_as_they_are_drawn(page):
    assert drawing_pad.options() is None
    drawing_pad.begin()
    assert page.now == Experiment(dataset="drawn")
    assert len(pad_options()["points"]) == len(hand_drawn.unpack(hand_drawn.STARTER)[1])


def test_drawn_points_become_the_experiment_and_are_not_sent_back(page):
    drawing_pad.begin()
    opened = pad_options()
    drawing_pad.take(TWO, 1, False)
    assert page.now.points == hand_drawn.pack(TWO)
    after = pad_options()
    assert after["revision"] == opened["revision"]
    assert (after["taken"], after["note"], page.commands) == (1, "", [])


def test_points_that_are_no_data_set_are_kept_as_a_draft(page):
    drawing_pad.begin()
    drawing_pad.take(TWO, 1, False)
    for number, points in enumerate(([], TWO[:2], TWO[:3]), 2):
        drawing_pad.take(points, number, True)
        assert drawing_pad.options() is None
        assert page.now.points == hand_drawn.pack(TWO)
        drawing_pad.begin()
        options = pad_options()
        assert options["note"].startswith("Not a data set yet: ")
        assert options["points"] == tuple(map(tuple, points))


def test_points_from_a_file_or_link_replace_those_on_the_pad(page):
    drawing_pad.begin()
    before = pad_options()
    drawing_pad.use(TWO)
    after = pad_options()
    assert after["revision"] > before["revision"]
    assert [label for *_, label in after["points"]] == [0, 0, 1, 1]


@pytest.mark.parametrize("points", [["x"], [[1, 2]], [[1, 2, 9]], [[1, 2, True]], [[float("nan"), 2, 0]], TWO * 501])
def test_invalid_messages_of_the_pad_change_nothing(page, points):
    drawing_pad.begin()
    drawing_pad.take(TWO, 1, False)
    before = page.now
    drawing_pad.take(points, 2, False)
    assert page.now == before
    assert pad_options()["note"] == ""


def test_a_message_to_a_closed_pad_changes_nothing(page):
    drawing_pad.take(TWO, 1, False)
    assert page.now == Experiment(noise=0.3)


def test_a_running_run_continues_with_new_points(page):
    drawing_pad.begin()
    page.trains = True
    drawing_pad.take(TWO, 1, False)
    drawing_pad.take(TWO, 2, False)
    assert page.commands == ["play"]


def test_features_keep_their_order_and_the_last_one_stays(page):
    for name, left in (("x1*x2", ("x1", "x2", "x1*x2")), ("x1", ("x2", "x1*x2")), ("x2", ("x1*x2",))):
        features.toggle(name)
        assert page.now.features == left
    features.toggle("x1*x2")
    features.toggle("formula")
    features.toggle("password")
    assert page.now.features == ("x1*x2",)


@pytest.mark.parametrize(
    ("text", "problem"), [("sin(x1", "formula is incomplete"), ("import os", "incomplete"), ("sqrt(x1)", "undefined")]
)
def test_a_refused_formula_is_kept_as_a_draft(page, text, problem):
    for value in ("x1*x2", text):
        features._typed(value)
    assert (page.now.formula, page.now.features) == ("x1*x2", ("x1", "x2", "formula"))
    kept, sentence, meanwhile = page.notes[features.DRAFT]
    assert (kept, meanwhile) == (text, "x1*x2")
    assert problem in sentence
    features._typed(" ")
    assert (page.now.formula, page.now.features) == ("", ("x1", "x2"))
