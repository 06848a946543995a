"""Frames and checkpoints of a run, and the parts left out because the page has them."""

from __future__ import annotations

import numpy as np
import pytest

from lab.protocol.frames import unpack
from lab.protocol.messages import GetFrame
from lab.training.run import Run
from tests.lab.helpers import SMALL, look, losses, train


def test_a_frame_that_shows_nothing_new_is_tiny(make):
    run = make()
    header, _ = look(run)
    seen = {"frame": header["frame"], "build": header["build"]}
    again = run.frame(GetFrame(**seen))
    assert len(again) < 200
    assert unpack(again) == ({"unchanged": True, "frame": header["frame"], "status": "idle"}, {})
    for do in (run.step, run.play, run.pause, run.reset, lambda: run.change(run.experiment.change(l1=0.1))):
        do()
        header, _ = look(run, **seen)
        assert "unchanged" not in header
        seen = {"frame": header["frame"], "build": header["build"]}


def test_the_parts_that_stand_still_are_sent_once_a_build(make):
    run = make()
    header, arrays = look(run)
    run.step()
    later = look(run, build=header["build"])[1]
    assert "points_train" in arrays
    assert "points_train" not in later
    assert "map" in later


def test_only_new_points_of_the_curve_are_sent(make):
    run = make()
    for _ in range(5):
        run.step()
    header, arrays = look(run)
    assert header["history"] | {"generation": 0} == {"generation": 0, "from": 0, "count": 6}
    np.testing.assert_array_equal(arrays["history_epoch"], range(6))
    run.step()
    later, more = look(run, generation=header["history"]["generation"], have=6)
    assert (later["history"]["from"], later["history"]["count"]) == (6, 7)
    np.testing.assert_array_equal(more["history_epoch"], [6])
    np.testing.assert_array_equal(np.hstack([arrays["history"], more["history"]]), losses(run))


@pytest.mark.parametrize("have", [-1, 99])
def test_a_page_with_unknown_points_gets_the_whole_curve(have, make):
    run = make()
    run.step()
    generation = look(run)[0]["history"]["generation"]
    header, arrays = look(run, generation=generation, have=have)
    assert header["history"]["from"] == 0
    assert arrays["history"].shape == (4, 2)


@pytest.mark.parametrize(
    "do", [Run.reset, lambda run: run.rebuild(run.experiment), lambda run: [run.step() for _ in range(1000)]]
)
def test_after_reset_rebuild_or_thinning_the_curve_is_sent_wholly(do, make):
    run = make(samples=10, batch_size=0, hidden=())
    for _ in range(3):
        run.step()
    generation = look(run)[0]["history"]["generation"]
    do(run)
    header, arrays = look(run, generation=generation, have=4)
    assert header["history"]["generation"] != generation
    assert header["history"]["from"] == 0
    np.testing.assert_array_equal(arrays["history"], losses(run))


def test_frames_do_not_depend_on_the_number_of_requests(make):
    often, rarely = make(dropout=0.1), make(dropout=0.1)
    often.play()
    train(often, 20)
    for _ in range(20):
        rarely.step()
    rarely.play()
    (header, arrays), (expected, pictures) = look(often), look(rarely)
    changing = {"build", "frame", "seconds", "epoch_ms", "steps_per_second", "history"}
    assert {k: v for k, v in header.items() if k not in changing} == {
        k: v for k, v in expected.items() if k not in changing
    }
    assert arrays.keys() == pictures.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, pictures[name], err_msg=name)


@pytest.mark.parametrize("dataset", ["circle", "spiral3", "hills", "iris", "diabetes", "digits"])
def test_a_frame_describes_its_data_set(dataset, make):
    run = make(dataset=dataset, samples=60)
    run.step()
    header, arrays = look(run)
    d = run.dataset
    scores = run.trainer.evaluate()
    classify = d.kind == "classification"
    assert (header["kind"], header["epoch"], header["status"]) == (d.kind, 1, "paused")
    assert (header["train_loss"], header["test_loss"]) == (scores.train_loss, scores.test_loss)
    assert (header["test_accuracy"] is None, header["test_r2"] is None) == (not classify, classify)
    assert header["parameters"] == run.experiment.parameters
    assert ("map" in arrays) == (header["plane"] is not None) == (d.encode is not None)
    assert ("confusion" in arrays) == classify
    assert ("images" in arrays) == ("strip_prediction" in arrays) == (dataset == "digits")
    assert {array.dtype.str[1:] for array in arrays.values()} <= {"u1", "i4", "f4"}  # read by the browser


def test_pages_never_mistake_one_run_for_another(make):
    builds = {make().build_number for _ in range(20)}
    assert len(builds) > 15  # by chance two may coincide


# Checkpoints ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["running", "paused"])
def test_a_run_goes_on_elsewhere_on_the_same_curve(status, make):
    first = make(optimizer="adam", dropout=0.2, patience=50)
    first.play()
    train(first, 3)
    first.trainer.step()  # in mid-epoch
    if status == "paused":
        first.pause()
    second = make(first.experiment, speed="slow")
    second.resume(first.state, first.checkpoint(), "It goes on.")
    assert second.origin == first.origin  # it is the same network
    assert (second.status, second.notice, second.speed.name) == (status, "It goes on.", "epoch")
    for run in (first, second):
        run.step()
        run.step()
    np.testing.assert_array_equal(losses(first), losses(second))
    np.testing.assert_array_equal(first.trainer.network.parameters, second.trainer.network.parameters)


def test_a_checkpoint_of_another_network_is_refused(make):
    other = make(hidden=(7,))
    with pytest.raises(ValueError, match="shape"):
        make().resume(other.state, other.checkpoint(), "")


def test_a_frame_has_the_figures_and_points_of_every_part():
    run = Run(SMALL.change(validation_share=0.2))
    run.step()
    header, arrays = look(run)
    scores, dataset = run.trainer.evaluate(), run.dataset
    assert (header["validation_loss"], header["validation_accuracy"]) == scores.of("validation")
    assert header["validation_r2"] is None
    assert arrays["history"].shape == (6, 2)
    np.testing.assert_array_equal(arrays["points_validation"], dataset.points_validation)
    np.testing.assert_array_equal(arrays["labels_validation"], dataset.y_validation)
    right = arrays["validation_prediction"] == dataset.y_validation
    np.testing.assert_array_equal(arrays["wrong_validation"], ~right)
    assert np.mean(right) == header["validation_accuracy"]


def test_without_a_validation_part_a_frame_has_none():
    header, arrays = look(Run(SMALL))
    assert header["validation_loss"] is header["validation_accuracy"] is header["validation_r2"] is None
    assert arrays["history"].shape == (4, 1)
    assert not [name for name in arrays if "validation" in name]
