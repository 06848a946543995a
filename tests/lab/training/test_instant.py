"""The speed Instant: Play and every change lead to the finished run, with the bits of a run that was opened so."""

from __future__ import annotations

import numpy as np
import pytest

from lab.experiment.group import USUAL_EPOCHS
from lab.training.build import build
from lab.training.run import INSTANT_BUDGET_S
from tests.lab.helpers import SMALL, look, losses, until


def opened(experiment, epochs: int = USUAL_EPOCHS) -> np.ndarray:
    """The curve of a run of this experiment without a page."""
    trainer = build(experiment).trainer
    trainer.run_for(np.inf, epochs=epochs)
    return trainer.history.values


def finish(run) -> None:
    def train() -> bool:
        if run.due and run.is_ready():
            run.advance(0.01)
        return run.status != "running"

    until(train)


@pytest.mark.parametrize(
    "change",
    [{"learning_rate": 0.3}, {"batch_size": 5}, {"l2": 0.01}, {"noise": 0.2}, {"hidden": (3, 3)}, {"dropout": 0.2}],
    ids=str,
)
def test_a_change_leads_to_the_bits_of_its_own_link(change, make):
    run = make(speed="instant")
    run.step()
    finish(run)
    run.change(SMALL.change(**change))
    finish(run)
    assert (run.status, run.trainer.epochs) == ("paused", USUAL_EPOCHS)
    np.testing.assert_array_equal(losses(run), opened(SMALL.change(**change)))


def test_the_stop_rule_says_how_long_a_finished_run_is(make):
    run = make(SMALL.change(epochs=7), "instant")
    run.change(SMALL.change(epochs=7, learning_rate=0.3))
    finish(run)
    assert (run.status, run.notice) == ("stopped", "Stopped after 7 epochs.")


def test_play_leads_to_the_end_of_the_next_run_and_step_and_reset_keep_their_meaning(make):
    run = make(speed="instant")
    assert (run.status, run.trainer.epochs) == ("idle", 0)
    for ends in (USUAL_EPOCHS, 2 * USUAL_EPOCHS):
        run.play()
        finish(run)
        assert (run.status, run.trainer.epochs) == ("paused", ends)
    run.step()
    finish(run)
    assert run.trainer.epochs == 2 * USUAL_EPOCHS + 1
    run.reset()
    assert (run.status, run.trainer.epochs) == ("idle", 0)


def test_the_same_experiment_again_changes_nothing(make):
    run = make(speed="instant")
    run.step()
    finish(run)
    run.change(SMALL.change())
    assert (run.status, run.trainer.epochs) == ("paused", 1)


def test_a_quick_run_is_finished_before_anyone_looks(make):
    run = make(speed="instant")
    run.change(SMALL.change(learning_rate=0.3))
    finish(run)  # it may have waited for the compiler
    run._epoch_s = INSTANT_BUDGET_S / USUAL_EPOCHS / 2
    run.change(SMALL.change(learning_rate=0.1))
    finish(run)
    header, _ = look(run)
    assert (header["status"], header["epoch"], header["changes"]) == ("paused", USUAL_EPOCHS, 2)


def test_a_long_run_is_trained_in_slices(make, monkeypatch):
    run, passed = make(speed="instant"), []
    run._epoch_s = 1.0
    monkeypatch.setattr(type(run.trainer), "run_for", lambda trainer, seconds, **limits: passed.append(seconds))
    run.change(SMALL.change(learning_rate=0.3))
    assert run.status == "running"
    assert passed in ([], [0])  # without a second of training at once


def test_another_speed_goes_on_or_ends_at_the_end_of_a_run(make):
    run = make(speed="max")
    run.play()
    run.set_speed("instant")
    finish(run)
    assert (run.status, run.trainer.epochs % USUAL_EPOCHS) == ("paused", 0)
    run._epoch_s = 1.0
    run.play()
    run.set_speed("max")
    assert run.status == "running"
    assert run.goal.epochs == np.inf


def test_a_diverged_run_is_followed_by_a_sound_one(make):
    run = make(speed="instant")
    run.change(SMALL.change(learning_rate=10.0, optimizer="momentum"))
    finish(run)
    run.change(SMALL.change(learning_rate=0.1))
    finish(run)
    np.testing.assert_array_equal(losses(run), opened(SMALL.change(learning_rate=0.1)))
