"""Two deep networks trained side by side: what their health says, and that their runs are closed."""

from __future__ import annotations

import pytest

from lab.experiment.experiment import Experiment
from lab.server.trial_runs import TRIAL_EPOCHS, TRIALS, trial
from lab.worker.local_pool import LocalPool


@pytest.mark.parametrize("question", TRIALS)
def test_the_gradient_vanishes_in_the_first_network_and_not_in_the_second(question):
    pool, found = LocalPool(), []
    for experiment in TRIALS[question].values():
        *shares, last = trial(pool, experiment)
        assert all(answer is None for _, answer in shares)
        found.append(last[1][0])
    first, second = found
    assert first["epoch"] == second["epoch"] == TRIAL_EPOCHS
    assert first["flow"].startswith("Vanishing")
    assert second["flow"].startswith(("Healthy", "Converged"))
    assert first["train_loss"] > 0.6 > 0.1 > second["train_loss"]
    assert pool.scheduler.runs == {}


def test_a_trial_that_is_given_up_leaves_nothing_behind():
    pool = LocalPool()
    started = trial(pool, Experiment())
    next(started)
    started.close()
    assert pool.scheduler.runs == {}
