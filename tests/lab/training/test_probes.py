"""Maps agree with the network and do not affect it."""

from __future__ import annotations

import numpy as np
import pytest

from lab.experiment.experiment import Experiment
from lab.training import probes
from lab.training.build import build
from lab.training.run import Run

LINEAR = Experiment(samples=40, hidden=())


def linear(weights, bias=0.0, experiment=LINEAR):
    """A network without hidden layers: its logits are x @ weights + bias."""
    dataset, trainer = build(experiment)
    trainer.network.parameters[:] = np.concatenate([np.ravel(weights), np.ravel(bias)])
    return dataset, trainer


def decoded(dataset, trainer, size=20):
    return probes.PlaneMap(dataset, trainer, size)()


def test_points_are_row_by_row_from_the_top_left():
    points = probes.plane_points((-6.0, 6.0), 4).reshape(4, 4, 2)
    np.testing.assert_array_equal(points[:, 0, 1], [4.5, 1.5, -1.5, -4.5])
    np.testing.assert_array_equal(points[0, :, 0], [-4.5, -1.5, 1.5, 4.5])
    assert (points[:, :, 1] == points[:, :1, 1]).all()


def test_the_top_row_of_the_map_is_where_x2_is_largest():
    upwards = decoded(*linear([0, 2])).astype(int)
    assert (np.diff(upwards, axis=0) <= 0).all()
    assert upwards[0].min() > 128 > upwards[-1].max()
    assert (upwards == upwards[:, :1]).all()
    rightwards = decoded(*linear([2, 0])).astype(int)
    assert (np.diff(rightwards, axis=1) >= 0).all()
    assert (rightwards == rightwards[0]).all()


@pytest.mark.parametrize(("logit", "byte"), [(50, 255), (-50, 1), (0, 128), (2 * np.arctanh(0.5), 191)])
def test_two_classes_show_the_probability_of_the_second(logit, byte):
    assert (decoded(*linear([0, 0], logit)) == byte).all()
    softmax = LINEAR.change(output="softmax")
    assert (decoded(*linear(np.zeros(4), [0, logit], softmax)) == byte).all()


def test_a_value_that_is_no_number_is_drawn_as_zero():
    assert (decoded(*linear([np.nan, 0])) == 128).all()


@pytest.mark.parametrize(("value", "byte"), [(0.5, 191), (-1, 1), (1, 255), (7, 255), (-7, 0)])
def test_regression_is_shown_in_the_units_of_the_data(value, byte):
    experiment = LINEAR.change(dataset="plane")
    dataset, _ = build(experiment)
    standardized = (value - dataset.y_mean) / dataset.y_scale
    map_ = decoded(*linear([0, 0], standardized, experiment)).astype(int)
    assert (abs(map_ - byte) <= 1).all()  # rounding on the way to float32 and back


@pytest.mark.parametrize("winner", [0, 1, 2])
def test_three_classes_show_class_and_confidence(winner):
    experiment = LINEAR.change(dataset="spiral3")
    sure = np.where(np.arange(3) == winner, 50, 0)
    map_ = decoded(*linear(np.zeros(6), sure, experiment))
    assert (map_ >> 5 == winner).all()
    assert (map_ & 31 == 31).all()
    assert (decoded(*linear(np.zeros(6), np.zeros(3), experiment)) == 0).all()  # chance: first class, confidence 0


def test_the_map_agrees_with_what_the_network_predicts():
    for dataset in ("circle", "spiral3"):
        built = build(Experiment(dataset=dataset, samples=60, hidden=(5,)))
        for _ in range(5):
            built.trainer.epoch()
        points = built.dataset.encode(probes.plane_points(built.dataset.extent, 20))
        predicted = built.trainer.objective.predict(built.trainer.network.forward(points)).reshape(20, 20)
        map_ = decoded(*built)
        shown = map_ >> 5 if dataset == "spiral3" else map_ > 128
        assert (shown == predicted)[map_ != 128].all()


def test_a_recorded_map_follows_training_and_reset():
    experiment = Experiment(samples=60, hidden=(5,), batch_norm=True, dropout=0.2)
    dataset, trainer = build(experiment)
    map_ = probes.PlaneMap(dataset, trainer, 20)
    first = map_()
    for _ in range(5):
        trainer.epoch()
    np.testing.assert_array_equal(map_(), decoded(dataset, trainer))
    assert (map_() != first).any()
    trainer.reset()
    np.testing.assert_array_equal(map_(), first)


@pytest.mark.parametrize("dataset", ["circle", "spiral3", "digits"])
def test_the_confusion_matrix_counts_the_test_part(dataset):
    trainer = build(Experiment(dataset=dataset, samples=100)).trainer
    trainer.epoch()
    predicted = trainer.objective.predict(trainer.network.forward(trainer.x_test))
    counts = np.zeros((trainer.objective.classes,) * 2, int)
    for truth, guess in zip(trainer.y_test, predicted, strict=True):
        counts[truth, guess] += 1
    trainer.evaluate()
    np.testing.assert_array_equal(probes.confusion(trainer), counts)
    assert probes.confusion(trainer).dtype == np.int32


def test_the_strip_has_classes_and_probabilities():
    trainer = build(Experiment(dataset="digits", samples=400)).trainer
    trainer.epoch()
    predicted, confidence = probes.strip(trainer)
    z = trainer.network.forward(trainer.x_test)
    np.testing.assert_array_equal(predicted, trainer.objective.predict(z)[: probes.STRIP_PICTURES])
    assert predicted.shape == confidence.shape == (probes.STRIP_PICTURES,)
    assert (confidence > 0.1).all()
    assert (confidence <= 1).all()


@pytest.mark.parametrize(
    "changes",
    [{}, {"dropout": 0.3, "batch_norm": True}, {"dataset": "spiral3", "optimizer": "adam"}, {"dataset": "hills"},
     {"dataset": "digits", "patience": 5}, {"dataset": "iris", "batch_size": 0}],
    ids=str,
)  # fmt: skip
def test_looking_does_not_change_training(changes):
    experiment = Experiment(samples=100, hidden=(6,)).change(**changes)
    alone, watched = build(experiment).trainer, Run(experiment, clock=lambda: 0.0)
    for number in range(4):
        alone.epoch()
        watched.step()
        for _ in range(number):
            watched.frame()
    np.testing.assert_array_equal(alone.network.parameters, watched.trainer.network.parameters)
    np.testing.assert_array_equal(alone.history.values, watched.trainer.history.values)
