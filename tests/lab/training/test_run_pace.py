"""The pace of a run, and its pause without requests, with a manual clock."""

from __future__ import annotations

import numpy as np
import pytest

from lab.training.run import NO_GOAL, WATCHED_S
from tests.lab.helpers import SMALL, look, train, until


def test_a_run_that_nobody_watches_waits(make, clock):
    run = make(speed="max")
    run.play()
    clock.now += 1
    assert run.due
    clock.now += WATCHED_S
    assert not run.due
    assert run.status == "running"
    look(run)
    clock.now += 0.1
    assert run.due


@pytest.mark.parametrize(("speed", "rate"), [("slow", 1), ("batch", 10)])
def test_slow_speeds_train_so_many_batches_a_second(speed, rate, make, clock):
    run = make(speed=speed)
    run.play()
    for _ in range(100):
        clock.now += 0.1
        train(run)
    assert run.trainer.steps == pytest.approx(10 * rate, abs=1)


def test_time_without_a_watcher_is_not_made_up_for(make, clock):
    run = make(speed="slow")
    run.play()
    clock.now += 1000
    train(run)
    clock.now += 1
    train(run)
    assert run.trainer.steps <= 2


@pytest.mark.parametrize(("speed", "epochs"), [("epoch", 1), ("fast", 10)])
def test_a_frame_pays_for_so_many_epochs(speed, epochs, make):
    run = make(speed=speed)
    run.play()
    assert not run.due
    for number in range(1, 4):
        train(run)
        assert (run.trainer.epochs, run.trainer.position) == (number * epochs, 0)


def test_extra_requests_allow_no_extra_epochs(make):
    run = make(speed="epoch")
    run.play()
    for _ in range(5):
        look(run)
    train(run)
    assert run.trainer.epochs == 1


def test_the_highest_speed_is_always_due(make):
    run = make(speed="max")
    run.play()
    for _ in range(3):
        assert run.due
        run.advance(0.001)
    assert run.trainer.steps >= 3


def test_another_speed_takes_effect_at_once(make):
    run = make(speed="slow")
    run.play()
    run.set_speed("fast")
    train(run)
    assert run.trainer.epochs == 10


@pytest.mark.parametrize("name", ["warp", "", "SLOW"])
def test_an_unknown_speed_is_refused_with_the_allowed_ones(name, make):
    for attempt in (lambda: make(speed=name), lambda: make().set_speed(name)):
        with pytest.raises(ValueError, match="allowed: one of slow, batch, calm, epoch, fast, max"):
            attempt()


def test_the_trainer_gets_the_limits_of_a_slice(make, monkeypatch):
    run, passed = make(speed="fast"), {}
    monkeypatch.setattr(run.trainer, "run_for", lambda seconds, **limits: passed.update(limits, seconds=seconds))
    run.play()
    look(run)
    run.advance(0.05)
    assert passed == {"seconds": 0.05, "epochs": 10, "steps": np.inf}


@pytest.mark.parametrize("speed", ["epoch", "fast", "max"])
def test_the_time_rule_counts_training_seconds(speed, make):
    run = make(SMALL.change(max_seconds=0.02), speed)
    run.play()
    until(lambda: train(run) or run.status == "stopped")
    assert run.trainer.stopped_by == "seconds"


def test_a_long_step_ends_after_exactly_one_epoch(make, monkeypatch):
    run = make(speed="slow")
    monkeypatch.setattr("lab.training.run.STEP_BUDGET_S", 0.0)
    full = run.trainer.run_for
    monkeypatch.setattr(run.trainer, "run_for", lambda seconds, **limits: full(0.0, **limits))  # one batch per slice
    run.step()
    assert (run.status, run.trainer.epochs) == ("running", 0)
    until(lambda: train(run) or run.status == "paused")
    assert (run.trainer.epochs, run.trainer.position) == (1, 0)
    run.play()
    assert run.goal == NO_GOAL
