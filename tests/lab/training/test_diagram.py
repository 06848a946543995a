"""The data of the diagram (sizes, weights, small maps, scores, wrong points) against the network."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from data.sources.features import plane_features
from engine.network.observe import observe
from lab.experiment.experiment import Experiment
from lab.protocol.frames import unpack
from lab.protocol.messages import GetFrame
from lab.training.probes import plane_points
from lab.training.run import Run

SMALL = Experiment(samples=120, hidden=(4, 3), features=("x1", "x2^2"))


def started(experiment: Experiment, epochs: int = 2) -> Run:
    run = Run(experiment, clock=lambda: 0.0)
    for _ in range(epochs):
        run.step()
    return run


def look(run: Run, **request):
    return unpack(run.frame(GetFrame(**request)))


def coarse(run: Run) -> np.ndarray:
    """Inputs at the points of a small map: every fourth of 100 x 100, from the third."""
    points = plane_points((-6.0, 6.0), 100).reshape(100, 100, 2)[2::4, 2::4].reshape(-1, 2)
    assert run.dataset.encode is not None
    return run.dataset.encode(points)


def test_the_network_is_described_layer_by_layer():
    header, _ = look(started(SMALL.change(hidden=(4, 20), activations=("relu", "tanh"))))
    network = header["network"]
    assert network["sizes"] == [2, 4, 20, 1]
    assert network["shown"] == [2, 4, 16, 1]
    assert network["activations"] == ["relu", "tanh"]
    assert (network["output"], network["features"]) == ("sigmoid", ["x1", "x2^2"])
    assert header["multiply_adds"] == 2 * 4 + 4 * 20 + 20


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_and_biases_are_sent_row_by_row(dtype):
    run = started(SMALL.change(dtype=dtype, batch_norm=True))
    _, arrays = look(run)
    start = bias = 0
    for number in (0, 3, 6):  # the dense layers, with normalization and activation between
        W, b = (run.trainer.network.named[f"{number}.{name}"] for name in "Wb")
        rows, units = W.shape
        np.testing.assert_array_equal(
            arrays["weights"][start : start + W.size].reshape(rows, units), W.astype(np.float32)
        )
        np.testing.assert_array_equal(arrays["biases"][bias : bias + units], b.astype(np.float32))
        start, bias = start + W.size, bias + units
    assert (len(arrays["weights"]), len(arrays["biases"])) == (start, bias)


def test_a_large_network_sends_no_weights():
    header, arrays = look(started(SMALL.change(hidden=(200, 200)), 0))
    assert header["network"]["sizes"] == [2, 200, 200, 1]
    assert "weights" not in arrays
    assert arrays["neuron_maps"].shape == (32, 25, 25)
    assert arrays["map"].shape == (100, 100)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "elu", "sine"])
def test_the_small_maps_are_what_the_units_say(activation):
    run = started(SMALL.change(activations=activation, dropout=0.2))
    _, arrays = look(run)
    with observe(run.trainer.network) as seen:
        run.trainer.network.chain.forward(coarse(run), train=False)
    hidden = np.concatenate([seen.outputs["1"], seen.outputs["4"]], axis=1).T.reshape(-1, 25, 25)
    if activation in ("relu", "elu"):
        hidden = hidden / np.maximum(np.abs(hidden).max(axis=(1, 2), keepdims=True), 1e-30)
    shown = arrays["neuron_maps"].astype(float)
    assert shown.shape == (7, 25, 25)
    assert np.abs((shown - 128) / 127 - hidden).max() <= 1.01 / 127


def test_the_top_row_of_a_small_map_is_where_x2_is_largest():
    run = started(SMALL.change(features=("x2",), hidden=(1,)), 0)
    run.edit(0, 0, 0, 2.0)
    _, arrays = look(run)
    small = arrays["neuron_maps"][0].astype(int)
    assert (np.diff(small[:, 0]) <= 0).all()
    assert small[0, 0] > 128 > small[-1, 0]


def test_every_feature_has_a_small_map():
    run = started(SMALL.change(formula="x1 * sin(x2)"), 0)
    header, arrays = look(run)
    names = [name for name, _ in header["network"]["all_features"]]
    assert names[0] == "x1"
    assert names[-1] == "formula"
    values = plane_features(plane_points((-6.0, 6.0), 25), names, "x1 * sin(x2)").T
    values = values / np.abs(values).max(axis=1, keepdims=True)
    shown = (arrays["feature_maps"].reshape(len(names), -1).astype(float) - 128) / 127
    assert np.abs(shown - values).max() <= 1.01 / 127
    assert "feature_maps" not in look(run, build=header["build"])[1]


def test_the_focused_unit_is_on_the_large_map():
    run = started(SMALL)
    plain, arrays = look(run)
    assert plain["focus"] is None
    header, focused = look(run, build=plain["build"], frame=plain["frame"], focus=5)
    assert (header["focus"], header["plane"]["encoding"]) == (5, "value")
    small = arrays["neuron_maps"][5].astype(int)
    assert np.abs(focused["map"][2::4, 2::4].astype(int) - small).max() <= 1
    header, back = look(run, build=plain["build"], frame=plain["frame"], focus=None)
    np.testing.assert_array_equal(back["map"], arrays["map"])


def test_a_focus_on_a_feature_shows_that_feature():
    run = started(SMALL)
    header, arrays = look(run, focus=-2)
    assert header["focus"] == -2
    x2 = plane_points((-6.0, 6.0), 100)[:, 1]
    expected = x2**2 / (x2**2).max()
    assert np.abs((arrays["map"].ravel().astype(float) - 128) / 127 - expected).max() <= 1.01 / 127


def test_coarse_maps_are_sent_only_during_training():
    run = Run(Experiment(), "max")

    def sides():
        arrays = unpack(run.frame(GetFrame(coarse=True, frame=-1)))[1]
        return arrays["map"].shape, arrays["neuron_maps"].shape[1:]

    assert sides() == ((100, 100), (25, 25))
    run.play()
    run.advance(0)
    assert sides() == ((50, 50), (25, 25))
    moving = unpack(run.frame(GetFrame(coarse=True, frame=-1)))[1]["map"].astype(int)
    run.pause()
    assert sides() == ((100, 100), (25, 25))
    still = unpack(run.frame(GetFrame(frame=-1)))[1]["map"].astype(int)
    quarters = still.reshape(50, 2, 50, 2).mean(axis=(1, 3))
    assert np.abs(moving - quarters).mean() < 2  # the same picture


@pytest.mark.parametrize("focus", [7, -3, 10**9, "1", 1.0, True, [0]])
def test_a_focus_on_nothing_shows_the_output(focus):
    run = started(SMALL)
    header, arrays = look(run, focus=focus)
    assert header["focus"] is None
    np.testing.assert_array_equal(arrays["map"], look(run)[1]["map"])


def test_three_classes_are_told_apart_again_when_the_focus_goes():
    run = started(SMALL.change(dataset="spiral3"))
    assert look(run, focus=0)[0]["plane"]["encoding"] == "value"
    assert look(run)[0]["plane"]["encoding"] == "class"


@pytest.mark.parametrize("dataset", ["circle", "spiral3", "digits"])
def test_scores_agree_with_scikit_learn(dataset):
    run = started(SMALL.change(dataset=dataset, samples=400))
    header, _ = look(run)
    t = run.trainer
    predicted = t.objective.predict(t.network.forward(t.x_test))
    expected = precision_recall_fscore_support(t.y_test, predicted, zero_division=0, labels=range(run.dataset.classes))
    for name, values in zip(("precision", "recall", "f1"), expected, strict=False):
        np.testing.assert_allclose(header["scores"][name], values)
    assert header["scores"]["macro_f1"] == pytest.approx(np.mean(expected[2]))


def test_errors_of_a_regression_are_in_the_units_of_its_targets():
    run = started(SMALL.change(dataset="hills"))
    header, arrays = look(run)
    t, d = run.trainer, run.dataset
    errors = d.to_units(t.network.forward(t.x_test)[:, 0]) - d.to_units(t.y_test)
    assert header["scores"]["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-5)
    assert header["scores"]["mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-5)
    assert not {"wrong", "test_prediction"} & arrays.keys()


@pytest.mark.parametrize("dataset", ["circle", "spiral3"])
def test_wrong_points_are_those_whose_prediction_is_not_their_label(dataset):
    run = started(SMALL.change(dataset=dataset))
    _, arrays = look(run)
    for part, wrong in (("train", "wrong_train"), ("test", "wrong")):
        labels, predicted = arrays[f"labels_{part}"], arrays[f"{part}_prediction"]
        np.testing.assert_array_equal(arrays[wrong], predicted != labels)
        t = run.trainer
        np.testing.assert_array_equal(predicted, t.objective.predict(t.network.forward(getattr(t, f"x_{part}"))))
    assert arrays["confusion"].sum() - np.trace(arrays["confusion"]) == arrays["wrong"].sum() > 0


def test_the_duration_of_an_epoch_is_its_training_time():
    run = Run(SMALL, clock=lambda: 0.0)
    assert look(run)[0]["epoch_ms"] is None
    run.step()
    run.step()
    assert look(run)[0]["epoch_ms"] == pytest.approx(run.trainer.seconds * 1000 / 2)


def test_drawn_points_say_which_classes_they_were_drawn_as():
    points = [[-3, 2, 0], [-2, 2, 0], [2, -2, 3], [4, -5, 3]]
    assert look(started(SMALL.change(dataset="drawn", points=points)))[0]["class_numbers"] == [0, 3]
    assert look(started(SMALL))[0]["class_numbers"] is None


def test_a_goal_is_said_with_how_far_it_is():
    header, _ = look(started(SMALL.change(target_accuracy=1.0, validation_share=0.2)))
    assert header["goal"]["text"] == f"Goal: validation accuracy 1. Now: {header['validation_accuracy']:.3f}."
    header, _ = look(started(SMALL.change(target_accuracy=1.0)))
    assert header["goal"]["text"] == f"Goal: training accuracy 1. Now: {header['train_accuracy']:.3f}."
    header, _ = look(started(SMALL.change(target_loss=0.1)))
    assert header["goal"]["text"] == f"Goal: training loss 0.1. Now: {header['train_loss']:.3f}."
    assert look(started(SMALL))[0]["goal"] is None


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"dataset": "xor"}, r"Guessing gives a loss of 0\.69\d* \(binary cross-entropy\)\."),
        ({"dataset": "spiral3"}, r"Guessing gives a loss of 1\.\d* \(categorical .*\)\."),
        ({"dataset": "plane"}, r"Always predicting the mean gives a loss of 1 \(mean squared error\)\."),
        ({"loss": "hinge"}, r"Loss: hinge\."),
    ],
)
def test_a_frame_says_which_loss_is_that_of_guessing(changes, note):
    assert re.fullmatch(note, look(started(SMALL.change(**changes)))[0]["loss_note"])
