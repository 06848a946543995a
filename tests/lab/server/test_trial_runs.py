"""Two deep networks trained side by side: what their health says, and that their runs are closed."""

from __future__ import annotations

from lab.experiment.experiment import Experiment
from lab.server.pool import LocalPool
from lab.server.trial_runs import TRIALS, trial


def test_sigmoids_vanish_where_he_and_relu_learn_and_nothing_is_left_behind():
    pool, found = LocalPool(), []
    for experiment in TRIALS.values():
        *shares, last = trial(pool, experiment, epochs=40)
        assert all(answer is None for _, answer in shares)
        found.append(last[1][0])
    sigmoid, relu = found
    assert sigmoid["epoch"] == relu["epoch"] == 40
    assert sigmoid["flow"].startswith("Vanishing")
    assert relu["flow"].startswith("Healthy")
    assert sigmoid["train_loss"] > 0.6 > 0.1 > relu["train_loss"]
    assert pool.host.runs == {}


def test_a_trial_that_is_given_up_leaves_nothing_behind():
    pool = LocalPool()
    started = trial(pool, Experiment())
    next(started)
    started.close()
    assert pool.host.runs == {}
