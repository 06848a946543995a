"""A run: play, pause, step, change, and how it ends."""

from __future__ import annotations

import numpy as np
import pytest

from lab.protocol.speed import SPEEDS
from lab.training.run import Run
from tests.lab.helpers import SMALL, look, losses, train

EXPLODING = SMALL.change(dataset="plane", hidden=(8, 8), activations="relu", learning_rate=10.0)


# Status --------------------------------------------------------------------------------------------------------------


def test_a_new_run_is_idle_and_trains_nothing(make):
    run = make()
    train(run, 3)
    assert (run.status, run.trainer.steps, run.due) == ("idle", 0, False)


def test_a_new_run_of_a_network_that_overflows_gives_no_warning(make):
    deep = {"hidden": (16,) * 4, "activations": ("linear", "linear", "linear", "gelu"), "initializer": "he_uniform"}
    assert make(SMALL.change(**deep)).status == "idle"


def test_play_and_pause(make):
    run = make()
    run.play()
    train(run, 2)
    assert (run.status, run.trainer.epochs) == ("running", 2)
    run.pause()
    train(run, 2)
    assert (run.status, run.trainer.epochs) == ("paused", 2)
    run.play()
    train(run)
    assert (run.status, run.trainer.epochs) == ("running", 3)


def test_pause_does_not_affect_a_run_that_is_not_running(make):
    run = make()
    run.pause()
    assert run.status == "idle"


@pytest.mark.parametrize("before", ["idle", "running", "paused", "mid-epoch", "stopped"])
def test_a_step_is_exactly_one_epoch_from_any_state(before, make):
    run = make(epochs=2)
    if before != "idle":
        run.play()
        train(run, {"running": 1, "paused": 1, "mid-epoch": 1, "stopped": 2}[before])
    if before == "paused":
        run.pause()
    if before == "mid-epoch":
        run.trainer.step()
        assert run.trainer.position > 0
    epochs = run.trainer.epochs
    run.step()
    assert (run.trainer.epochs, run.trainer.position) == (epochs + 1, 0)
    assert run.status == ("stopped" if run.trainer.epochs == 2 else "paused")
    assert not run.due


def test_steps_and_play_walk_the_same_curve(make):
    stepped, played = make(), make()
    for _ in range(3):
        stepped.step()
    played.play()
    train(played, 3)
    np.testing.assert_array_equal(losses(stepped), losses(played))


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_reset_repeats_the_same_curve(optimizer, make):
    run = make(optimizer=optimizer, dropout=0.2)
    weights = run.trainer.network.parameters.copy()
    run.play()
    train(run, 3)
    curve, build = losses(run), run.build_number
    run.reset()
    assert (run.status, run.notice, run.trainer.epochs, run.build_number) == ("idle", "", 0, build)
    np.testing.assert_array_equal(run.trainer.network.parameters, weights)
    run.play()
    train(run, 3)
    np.testing.assert_array_equal(losses(run), curve)


# Stop rules and divergence -------------------------------------------------------------------------------------------


def test_a_stop_rule_ends_the_run_and_says_why(make):
    run = make(epochs=3)
    run.play()
    train(run, 10)
    assert (run.status, run.trainer.epochs, run.notice) == ("stopped", 3, "Stopped after 3 epochs.")
    assert look(run)[0]["notice"] == "Stopped after 3 epochs."


def test_play_goes_on_after_a_stop_rule(make):
    run = make(epochs=2)
    run.play()
    train(run, 5)
    run.play()
    train(run, 3)
    assert (run.status, run.notice, run.trainer.epochs) == ("running", "", 5)


def test_a_target_and_patience_end_a_run_as_well(make):
    target = make(dataset="gauss", target_accuracy=0.8, validation_share=0.2)
    patience = make(patience=2, learning_rate=1e-9, validation_share=0.2)
    for run in (target, patience):
        run.play()
        train(run, 50)
        assert run.status == "stopped"
    assert target.notice == "The validation accuracy has reached 0.8."
    assert "has not improved for 2 epochs" in patience.notice


def test_changing_the_stop_rule_removes_its_notice(make):
    run = make(epochs=2)
    run.play()
    train(run, 5)
    run.change(run.experiment.change(epochs=4))
    assert (run.status, run.notice) == ("paused", "")
    run.play()
    train(run, 10)
    assert (run.status, run.trainer.epochs) == ("stopped", 4)


@pytest.mark.parametrize("speed", SPEEDS)
def test_divergence_keeps_finite_weights_and_says_so(speed, make, clock):
    run = make(EXPLODING, speed)
    run.play()
    for _ in range(300):
        clock.now += 1
        train(run)
    assert run.status == "diverged"
    assert np.isfinite(run.trainer.network.parameters).all()
    assert "Training diverged at step" in run.notice
    assert "learning rate 10 is too high" in run.notice
    header, arrays = look(run)
    assert header["status"] == "diverged"
    assert np.isfinite(arrays["history"]).all()


@pytest.mark.parametrize("press", [Run.play, Run.step, Run.step_batch])
def test_training_after_a_divergence_starts_again(press, make):
    run, fresh = make(EXPLODING), make(EXPLODING)
    run.play()
    train(run, 300)
    assert run.status == "diverged"
    press(run)
    press(fresh)
    assert (run.status, run.notice, run.trainer.steps) == (fresh.status, fresh.notice, fresh.trainer.steps)


def test_a_live_change_after_a_divergence_resets_the_run(make):
    run = make(EXPLODING)
    run.play()
    train(run, 300)
    build = run.build_number
    run.change(run.experiment.change(learning_rate=0.01))
    assert (run.status, run.notice, run.trainer.steps, run.build_number) == ("idle", "", 0, build)
    run.play()
    train(run, 3)
    assert (run.status, run.trainer.epochs) == ("running", 3)


def test_a_frame_detects_nan_weights_while_paused(make):
    run = make()
    run.play()
    train(run, 2)
    run.pause()
    run.trainer.network.parameters[0] = np.nan
    run._touch()
    header, _ = look(run)
    assert header["status"] == run.status == "diverged"
    assert np.isfinite(run.trainer.network.parameters).all()


# Changes -------------------------------------------------------------------------------------------------------------


def test_a_live_change_keeps_network_epoch_and_status(make):
    run = make()
    run.play()
    train(run, 2)
    network, build = run.trainer.network, run.build_number
    run.change(run.experiment.change(learning_rate=0.5, batch_size=5, l2=0.01))
    assert (run.status, run.trainer.epochs, run.build_number) == ("running", 2, build)
    assert run.trainer.network is network
    assert (run.trainer.settings.learning_rate, run.trainer.batch_size, run.trainer.settings.l2) == (0.5, 5, 0.01)
    train(run)
    assert run.trainer.epochs == 3
    assert look(run)[0]["learning_rate"] == 0.5


def test_any_other_change_builds_anew_and_waits(make):
    run = make()
    run.play()
    train(run, 2)
    build = run.build_number
    run.change(run.experiment.change(hidden=(5, 5)))
    assert (run.status, run.trainer.epochs, run.build_number) == ("idle", 0, build + 1)
    header, arrays = look(run, build=build)
    assert header["build"] == build + 1
    assert {"points_train", "labels_train", "points_test", "labels_test"} <= arrays.keys()


def test_a_failed_change_does_not_affect_the_run(make):
    run = make()
    run.step()
    with pytest.raises(ValueError, match="cuda:7"):
        run.change(run.experiment.change(device="cuda:7"))
    assert (run.experiment, run.trainer.epochs) == (SMALL, 1)
    run.step()
    assert run.trainer.epochs == 2
