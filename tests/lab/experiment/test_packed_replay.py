"""A replay as a text in links."""

from __future__ import annotations

import pytest

from lab.experiment import link
from lab.experiment.experiment import Experiment
from lab.experiment.replay import Replay, packed, unpacked

E = Experiment(dataset="spiral", hidden=(4,), optimizer="adam", epochs=50)
CHANGES = (
    {"step": 3, "fields": {"learning_rate": 0.1, "l2": 0.01}}, {"step": 5, "edit": [0, -1, 2, 0.25]},
    {"step": 90, "resume": True},
)  # fmt: skip


@pytest.mark.parametrize("replay", [Replay(E), Replay(E, CHANGES, 120, 10, "compiled"), Replay(E, CHANGES, 0, 10)])
def test_a_replay_survives_its_text(replay):
    assert unpacked(packed(replay)) == replay
    assert ":" not in packed(replay)


def test_a_fork_of_a_simple_run_is_a_short_text():
    assert len(packed(Replay(Experiment(), steps=690, epochs=30, way="compiled"))) < 100


def test_what_does_not_fit_a_link_is_not_read_again():
    many = tuple({"step": n, "edit": [0, 0, n % 4, n / 7]} for n in range(2000))
    assert unpacked(packed(Replay(E, many, 3000, 100))) is None


@pytest.mark.parametrize("text", ["", "1", "x", "2abc", packed(Replay(E))[:-4]])
def test_a_text_that_is_no_replay_is_none(text):
    assert unpacked(text) is None


def test_values_that_no_experiment_has_are_refused():
    text = link.packed({"hidden": "1000000", "changes": "[]", "way": "", "steps": "1", "after": "1"})
    assert unpacked(text) is None
    wrong = '[{"step": 1, "fields": {"learning_rate": 99}}]'
    text = link.packed({"changes": wrong, "way": "", "steps": "1", "after": "1"})
    assert unpacked(text) is None
