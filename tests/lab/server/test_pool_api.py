"""Touching the machine: edited weights, single batches, new weights on the same data."""

from __future__ import annotations

import numpy as np
import pytest

from lab.experiment.experiment import Experiment, ExperimentError
from lab.protocol.errors import BadMessage
from lab.protocol.frames import unpack
from lab.protocol.messages import MAX_WEIGHT, Edit, GetFrame, Preview, Query, StepBatch
from lab.server.limits import LIMITS, START_LIMIT_S
from lab.server.worker_handle import LOOKS
from lab.training.build import build
from lab.training.run import Run
from lab.worker.local_pool import LocalPool
from lab.worker.scheduler import Scheduler

SMALL = Experiment(samples=120, hidden=(4, 3))


def make(**changes) -> Run:
    return Run(SMALL.change(**changes), clock=lambda: 0.0)


def test_an_edit_changes_one_weight_and_the_map_and_the_loss_with_it():
    run = make()
    before, old = unpack(run.frame())
    parameters = run.trainer.network.parameters.copy()
    run.edit(1, 2, 0, 5.0)
    after, new = unpack(run.frame(GetFrame(frame=before["frame"], build=before["build"])))
    assert run.trainer.network.named["2.W"][2, 0] == 5.0
    assert (run.trainer.network.parameters != parameters).sum() == 1
    assert after["train_loss"] != before["train_loss"]
    assert (new["map"] != old["map"]).any()
    assert (after["epoch"], after["status"]) == (before["epoch"], before["status"])


def test_an_edit_from_minus_one_changes_a_bias():
    run = make()
    run.edit(2, -1, 0, -1.5)
    assert run.trainer.network.named["4.b"].tolist() == [-1.5]


def test_training_goes_on_from_the_edited_weight_and_reset_forgets_it():
    run, same = make(), make()
    first = run.trainer.network.parameters.copy()
    for edited in (run, same):
        edited.step()
        edited.edit(0, 0, 0, 2.0)
        edited.step()
    np.testing.assert_array_equal(run.trainer.network.parameters, same.trainer.network.parameters)
    untouched = make()
    untouched.step()
    untouched.step()
    assert (run.trainer.network.parameters != untouched.trainer.network.parameters).any()
    run.reset()
    np.testing.assert_array_equal(run.trainer.network.parameters, first)


def test_a_run_that_diverges_later_goes_back_to_after_the_edit():
    run = make(activations="linear", loss="mse", output="linear", learning_rate=0.03)
    run.step()
    run.edit(0, 0, 0, 3.0)
    run.change(run.experiment.change(learning_rate=10.0))
    run.step()
    assert run.status == "diverged"
    assert np.isfinite(run.trainer.network.parameters).all()


@pytest.mark.parametrize("place", [(3, 0, 0), (-1, 0, 0), (0, 2, 0), (0, -2, 0), (0, 0, 4), (0, 0, -1)])
def test_an_edit_of_what_is_not_there_is_refused_and_changes_nothing(place):
    run = make()
    before = run.trainer.network.parameters.copy()
    with pytest.raises(ValueError, match="no such weight"):
        run.edit(*place, 1.0)
    np.testing.assert_array_equal(run.trainer.network.parameters, before)


@pytest.mark.parametrize("value", [np.nan, np.inf, -MAX_WEIGHT - 1, 1e300])
def test_an_edit_to_what_is_no_ordinary_number_is_refused(value):
    with pytest.raises(BadMessage, match="allowed: a number from -1000 to 1000"):
        Edit(0, 0, 0, value)


def test_step_batch_is_exactly_one_step_and_pauses():
    run = make()
    run.play()
    run.step_batch()
    assert (run.trainer.steps, run.status) == (1, "paused")
    run.step_batch()
    assert run.trainer.steps == 2
    assert run.trainer.position == 20


def test_as_many_batches_as_an_epoch_has_are_an_epoch():
    run, whole = make(), make()
    whole.step()
    for _ in range(9):
        run.step_batch()
    assert run.trainer.epochs == 1
    np.testing.assert_array_equal(run.trainer.network.parameters, whole.trainer.network.parameters)
    np.testing.assert_array_equal(run.trainer.history.values, whole.trainer.history.values)


def test_step_batch_goes_on_after_a_stop_rule_and_starts_again_after_divergence():
    run = make(epochs=1)
    run.step()
    assert run.status == "stopped"
    run.step_batch()
    assert (run.trainer.steps, run.status) == (10, "paused")
    run.status = "diverged"
    run.step_batch()
    assert (run.trainer.steps, run.status) == (1, "paused")


def test_commands_reach_a_run_through_pool_and_scheduler():
    pool = LocalPool()
    token = pool.open(SMALL)
    pool.do(token, StepBatch())
    pool.do(token, Edit(0, -1, 1, 0.25))
    run = pool.scheduler.runs[token]
    assert run.trainer.steps == 1
    assert run.trainer.network.named["0.b"][1] == 0.25
    assert Scheduler().answer("nobody", Edit(0, 0, 0, 1.0)).error == "gone"
    assert pool.scheduler.answer(token, Edit(9, 0, 0, 1.0)).error == "refused"


def test_a_weight_seed_draws_other_weights_for_the_same_data_and_batches():
    plain, renewed = build(SMALL), build(SMALL.change(weight_seed=7))
    np.testing.assert_array_equal(plain.dataset.x_train, renewed.dataset.x_train)
    np.testing.assert_array_equal(plain.dataset.y_test, renewed.dataset.y_test)
    assert (plain.trainer.network.parameters != renewed.trainer.network.parameters).any()
    for built in (plain, renewed):
        built.trainer.epoch()
    np.testing.assert_array_equal(plain.trainer.order, renewed.trainer.order)


def test_a_weight_seed_of_zero_follows_the_seed():
    followed, named = build(SMALL.change(seed=5)), build(SMALL.change(seed=5, weight_seed=5))
    np.testing.assert_array_equal(followed.trainer.network.parameters, named.trainer.network.parameters)


def test_a_slider_on_its_way_reaches_the_network_and_data_is_drawn_again():
    pool = LocalPool()
    token = pool.open(SMALL)
    run = pool.scheduler.runs[token]
    build_number, step = run.build_number, run.trainer.steps
    pool.do(token, Preview("learning_rate", 0.5))
    pool.do(token, Preview("batch_size", 0))
    assert (run.trainer.settings.learning_rate, run.trainer.batch_size) == (0.5, len(run.dataset.x_train))
    assert (run.build_number, run.trainer.steps) == (build_number, step)
    pool.do(token, Preview("noise", 0.4))
    np.testing.assert_array_equal(run.dataset.x_train, build(run.experiment).dataset.x_train)
    assert (run.build_number, run.experiment.noise) == (build_number + 1, 0.4)


def test_data_that_is_no_plane_waits_until_the_slider_is_let_go():
    pool = LocalPool()
    token = pool.open(Experiment(dataset="iris"))
    pool.do(token, Preview("train_share", 0.5))
    assert pool.state(token).experiment == Experiment(dataset="iris")
    pool.do(token, Preview("l2", 0.1))
    assert pool.state(token).experiment.l2 == 0.1


def test_a_preview_beyond_what_one_visitor_may_have_is_refused():
    pool = LocalPool()
    wide = Experiment(samples=100_000, hidden=(512,) * 6, batch_norm=True)
    token = pool.open(wide)
    with pytest.raises(ExperimentError, match="MB of memory; allowed"):
        pool.do(token, Preview("batch_size", 100_000))
    assert pool.state(token).experiment == pool.scheduler.runs[token].experiment == wide


def test_every_reply_carries_the_state_also_one_that_refuses():
    pool = LocalPool()
    token = pool.open(SMALL)
    for command in (Edit(9, 0, 0, 1.0), StepBatch(), GetFrame(), Query("curves", {}), Query("none", {})):
        assert pool.submit(token, command).result().state == pool.scheduler.runs[token].state


def test_a_page_waits_longer_for_a_reply_than_a_hang_takes():
    pool = LocalPool()
    for hang in next((limit.least, limit.usual, limit.most) for limit in LIMITS if limit.name == "hang_seconds"):
        pool.limits.hang_seconds = hang
        noticed = hang * (LOOKS + 1) / LOOKS
        assert pool.patience >= noticed + START_LIMIT_S
