from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.formulas.losses import (
    LOSSES,
    OUTPUTS,
    Objective,
    balanced_weights,
    softmax,
    usual_loss,
    usual_output,
    valid_losses,
    valid_outputs,
)

with np.load(Path(__file__).parents[2] / "golden" / "losses.npz") as file:
    GOLDEN = dict(file)
PAIRS = [(loss, output) for loss, record in LOSSES.items() for output in record.outputs]
CROSSENTROPY = ("classification", 3, "softmax", "categorical_crossentropy")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("logits", ["z", "large"])
@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_value_and_gradient_agree_with_pytorch(loss, output, logits, dtype):
    objective, z = Objective("classification", 3, output, loss), GOLDEN[logits].astype(dtype)
    t = objective.targets(GOLDEN["labels"], dtype)
    tolerance = 1e-12 if dtype == np.float64 else 2e-6
    key = f"{loss}/{output}/{logits}"
    np.testing.assert_allclose(objective.value(z, t), GOLDEN[f"{key}/value"], rtol=tolerance)
    scale = np.abs(GOLDEN[f"{key}/gradient"]).max()
    np.testing.assert_allclose(objective.gradient(z, t), GOLDEN[f"{key}/gradient"], rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize(
    ("key", "options"), [("smoothed", {"label_smoothing": 0.1}), ("weighted", {"class_weights": [0.5, 1.0, 3.0]})]
)
def test_label_smoothing_and_class_weights_agree_with_pytorch(key, options):
    objective = Objective(*CROSSENTROPY, **options)
    t = objective.targets(GOLDEN["labels"], np.float64)
    np.testing.assert_allclose(objective.value(GOLDEN["z"], t), GOLDEN[f"{key}/value"], rtol=1e-12)
    np.testing.assert_allclose(objective.gradient(GOLDEN["z"], t), GOLDEN[f"{key}/gradient"], rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("classes", "output", "loss"),
    [
        (4, "softmax", "categorical_crossentropy"),
        (2, "softmax", "categorical_crossentropy"),
        (2, "sigmoid", "binary_crossentropy"),
    ],
)
def test_smoothing_with_class_weights_weights_every_class(classes, output, loss):
    weights, labels, smoothing = np.array([0.5, 3, 1, 2])[:classes], np.array([0, 1, classes - 1, 1, 0]), 0.2
    objective = Objective("classification", classes, output, loss, label_smoothing=smoothing, class_weights=weights)
    z = np.random.default_rng(3).normal(size=(5, objective.units))
    t = objective.targets(labels, np.float64)
    logs = -np.log(objective.probabilities(z))
    # PyTorch: CrossEntropyLoss(weight, label_smoothing), with class numbers as targets and the mean as reduction
    of_class = (1 - smoothing) * (weights[labels] * logs[np.arange(5), labels]).sum()
    spread = smoothing / classes * (weights * logs).sum()
    assert objective.value(z, t) == pytest.approx((of_class + spread) / weights[labels].sum(), rel=1e-13)
    steps = 1e-6 * np.eye(z.size).reshape(-1, *z.shape)
    slopes = [(objective.value(z + step, t) - objective.value(z - step, t)) / 2e-6 for step in steps]
    np.testing.assert_allclose(objective.gradient(z, t).ravel(), slopes, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("size", [1e-30, 1.0, 50.0, 1e4])
@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_every_loss_is_stable_for_large_logits(loss, output, size):
    objective = Objective("classification", 3, output, loss)
    z = (size * np.array([[1, -1, 1], [-1, -1, 1], [0, 0, 0], [1, 1, 1]])).astype(np.float32)
    t = objective.targets(np.array([0, 1, 2, 1]))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value, gradient = objective.value(z, t), objective.gradient(z, t)
    assert value.dtype == gradient.dtype == np.float32
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_softmax_does_not_overflow_for_large_logits():
    """The seeds' softmax([0, 710]) is [0, nan], and the argmax of NaN is silently class 0."""
    with np.errstate(over="raise", invalid="raise"):
        y = softmax(np.array([[0.0, 710.0], [-1e4, 1e4], [1e4, 1e4]]))
    np.testing.assert_allclose(y, [[0, 1], [0, 1], [0.5, 0.5]], atol=1e-300)


def test_a_confident_wrong_answer_has_a_finite_loss():
    binary = Objective("classification", 2, "sigmoid", "binary_crossentropy")
    assert binary.value(np.array([[-1e4]], np.float32), np.array([[1]], np.float32)) == 1e4
    categorical = Objective(*CROSSENTROPY)
    assert categorical.value(np.array([[0, 1e4, 0]], np.float32), np.array([[1, 0, 0]], np.float32)) == 1e4


def test_the_problem_and_not_the_batch_sets_the_target_width():
    """The seeds' one-hot rows are max(label) + 1 wide: a batch without the last class has the wrong shape."""
    objective = Objective("classification", 10, "softmax", "categorical_crossentropy")
    t = objective.targets(np.array([0, 3]))
    np.testing.assert_array_equal(t, np.eye(10)[[0, 3]])
    assert t.dtype == np.float32


@pytest.mark.parametrize("label", [-1, 3, 0.5])
def test_a_label_that_is_no_class_is_refused(label):
    with pytest.raises(ValueError, match="from 0 to 2"):
        Objective(*CROSSENTROPY).targets(np.array([0, label]))


def test_rows_of_the_wrong_width_are_refused():
    with pytest.raises(ValueError, match="rows of 3"):
        Objective(*CROSSENTROPY).targets(np.eye(4))


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_one_hot_rows_and_class_numbers_give_equal_targets(loss, output, classes):
    labels = np.array([0, 1, classes - 1, 1])
    for options in ({}, {"label_smoothing": 0.2, "class_weights": range(1, classes + 1)}):
        objective = Objective("classification", classes, output, loss, **options)
        np.testing.assert_array_equal(objective.targets(labels), objective.targets(np.eye(classes)[labels]))


@pytest.mark.parametrize(
    ("classes", "output", "loss", "expected"),
    [
        (2, "sigmoid", "binary_crossentropy", [[0], [1]]),
        (2, "tanh", "mse", [[-1], [1]]),
        (2, "linear", "hinge", [[-1], [1]]),
        (2, "softmax", "categorical_crossentropy", [[1, 0], [0, 1]]),
        (3, "tanh", "hinge", [[1, -1, -1], [-1, 1, -1]]),
        (3, "sigmoid", "binary_crossentropy", [[1, 0, 0], [0, 1, 0]]),
    ],
)
def test_targets_are_made_for_the_output_function(classes, output, loss, expected):
    np.testing.assert_array_equal(
        Objective("classification", classes, output, loss).targets(np.array([0, 1])), expected
    )


@pytest.mark.parametrize(
    ("output", "loss", "expected"),
    [
        ("softmax", "categorical_crossentropy", [0.925, 0.025, 0.025, 0.025]),  # spread over four shares
        ("sigmoid", "binary_crossentropy", [0.95, 0.05, 0.05, 0.05]),  # four questions with two answers each
        ("tanh", "mse", [0.9, -0.9, -0.9, -0.9]),
    ],
)
def test_label_smoothing_spreads_a_share_over_all_answers(output, loss, expected):
    objective = Objective("classification", 4, output, loss, label_smoothing=0.1)
    np.testing.assert_allclose(objective.targets(np.array([0]), np.float64), [expected], rtol=1e-15)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_a_class_weight_of_two_equals_repeated_samples(loss, output, classes):
    z = np.random.default_rng(0).normal(size=(4, 3))[:, : Objective("classification", classes, output, loss).units]
    labels = np.array([0, 1, classes - 1, 0])
    repeats = np.array([1, 3, 2])[labels]
    weighted = Objective("classification", classes, output, loss, class_weights=[1, 3, 2][:classes])
    plain = Objective("classification", classes, output, loss)
    repeated_z, repeated_t = z.repeat(repeats, 0), plain.targets(labels.repeat(repeats), np.float64)
    t = weighted.targets(labels, np.float64)
    assert weighted.value(z, t) == pytest.approx(plain.value(repeated_z, repeated_t), rel=1e-12)
    one_each = plain.gradient(repeated_z, repeated_t)[np.cumsum(repeats) - 1]
    np.testing.assert_allclose(weighted.gradient(z, t), repeats[:, None] * one_each, rtol=1e-12)


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_equal_class_weights_change_nothing(loss, output):
    z, labels = np.random.default_rng(1).normal(size=(5, 3)), np.array([0, 1, 2, 1, 1])
    plain, weighted = (Objective("classification", 3, output, loss, class_weights=w) for w in (None, [7, 7, 7]))
    t, weighted_t = (o.targets(labels, np.float64) for o in (plain, weighted))
    assert weighted.value(z, weighted_t) == pytest.approx(plain.value(z, t), rel=1e-14)
    np.testing.assert_allclose(weighted.gradient(z, weighted_t), plain.gradient(z, t), rtol=1e-13)


def test_balanced_weights_give_every_class_the_same_total():
    labels = np.array([0, 0, 0, 1, 2, 2])
    weights = balanced_weights(labels, 3)
    np.testing.assert_allclose(weights * np.bincount(labels), [2, 2, 2])
    assert np.isfinite(balanced_weights(labels, 4)).all()


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("classification", {"class_weights": [1, 2]}, "3 positive"),
        ("classification", {"class_weights": [1, 2, 0]}, "3 positive"),
        ("classification", {"label_smoothing": 1.0}, "below 1"),
        ("classification", {"label_smoothing": -0.1}, "at least 0"),
        ("regression", {"label_smoothing": 0.1}, "for classification"),
        ("regression", {"class_weights": []}, "for classification"),
    ],
)
def test_impossible_options_are_refused(kind, options, words):
    with pytest.raises(ValueError, match=words):
        Objective(kind, 3 if kind == "classification" else 0, "linear", "mse", **options)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("output", OUTPUTS)
def test_only_pairs_that_make_sense_are_accepted(loss, output):
    if output in LOSSES[loss].outputs:
        assert Objective("classification", 3, output, loss).loss.name == loss
    else:
        with pytest.raises(ValueError, match=f"{loss} does not go with output {output}.*mse"):
            Objective("classification", 3, output, loss)


def test_the_perfect_prediction_costs_nothing_and_has_no_gradient():
    for loss in ("mse", "mae", "huber"):
        objective = Objective("regression", 0, "linear", loss)
        z = np.array([[1.5], [-2.0]])
        t = objective.targets(z[:, 0], np.float64)
        assert objective.value(z, t) == 0
        assert not objective.gradient(z, t).any()


def test_losses_agree_with_a_hand_worked_example():
    y, t = np.array([[0.5, 3.0]]), np.array([[1.0, 1.0]])  # errors of 1/2 and 2
    assert LOSSES["mse"].value(y, t) == (0.25 + 4) / 2
    assert LOSSES["mae"].value(y, t) == (0.5 + 2) / 2
    assert LOSSES["huber"].value(y, t) == (0.125 + 1.5) / 2
    assert LOSSES["hinge"].value(y, t) == (0.5 + 0) / 2
    assert LOSSES["binary_crossentropy"].value(np.zeros((1, 2)), t) == pytest.approx(np.log(2))
    assert LOSSES["categorical_crossentropy"].value(np.zeros((1, 2)), np.array([[1.0, 0.0]])) == pytest.approx(
        np.log(2)
    )


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("output", OUTPUTS)
def test_the_predicted_class_has_the_highest_probability(output, classes):
    objective = Objective("classification", classes, output, "mse")
    z = np.random.default_rng(2).normal(size=(50, objective.units))
    p = objective.probabilities(z)
    assert p.shape == (50, classes)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_array_equal(objective.predict(z), p.argmax(axis=1))
    right = objective.targets(objective.predict(z), np.float64)
    np.testing.assert_array_equal(objective.predict(right - right.mean()), objective.predict(z))


def test_regression_predicts_the_output_itself():
    objective = Objective("regression", 0, "tanh", "mae")
    np.testing.assert_array_equal(objective.predict(np.array([[0.3], [-2.0]])), np.tanh([0.3, -2.0]))
    assert objective.targets(np.array([1, 2])).tolist() == [[1.0], [2.0]]


@pytest.mark.parametrize(
    ("kind", "classes", "loss", "output"),
    [
        ("classification", 2, None, "sigmoid"),
        ("classification", 3, None, "softmax"),
        ("classification", 2, "mse", "tanh"),
        ("classification", 3, "mse", "sigmoid"),
        ("classification", 3, "mae", "sigmoid"),
        ("classification", 2, "huber", "tanh"),
        ("classification", 2, "hinge", "linear"),
        ("classification", 5, "hinge", "linear"),
        ("classification", 5, "binary_crossentropy", "sigmoid"),
        ("classification", 2, "categorical_crossentropy", "softmax"),
        ("regression", 0, None, "linear"),
        ("regression", 0, "huber", "linear"),
    ],
)
def test_the_usual_output_suits_the_loss(kind, classes, loss, output):
    assert usual_output(kind, classes, loss) == output


@pytest.mark.parametrize(
    ("kind", "classes", "output", "loss"),
    [
        ("classification", 2, None, "binary_crossentropy"),
        ("classification", 3, None, "categorical_crossentropy"),
        ("classification", 2, "softmax", "categorical_crossentropy"),
        ("classification", 3, "sigmoid", "binary_crossentropy"),
        ("classification", 2, "tanh", "mse"),
        ("classification", 2, "linear", "mse"),
        ("regression", 0, None, "mse"),
        ("regression", 0, "tanh", "mse"),
    ],
)
def test_the_usual_loss_suits_the_output(kind, classes, output, loss):
    assert usual_loss(kind, classes, output) == loss


@pytest.mark.parametrize(("kind", "classes"), [("classification", 2), ("classification", 3), ("regression", 0)])
def test_the_usual_choices_are_valid_whatever_was_chosen(kind, classes):
    outputs = valid_outputs(kind, classes)
    for output in outputs:
        assert usual_loss(kind, classes, output) in valid_losses(kind, output)
    for loss, record in LOSSES.items():
        if kind in record.kinds:
            assert usual_output(kind, classes, loss) in outputs
            assert loss in valid_losses(kind, usual_output(kind, classes, loss))


@pytest.mark.parametrize(
    ("kind", "classes", "output", "loss", "labels", "expected"),
    [
        ("classification", 2, "sigmoid", "binary_crossentropy", [0, 1, 0, 1], np.log(2)),
        ("classification", 2, "sigmoid", "binary_crossentropy", [0, 0, 0, 1], 0.75 * np.log(4 / 3) + 0.25 * np.log(4)),
        ("classification", 3, "softmax", "categorical_crossentropy", [0, 1, 2], np.log(3)),
        ("classification", 2, "tanh", "mse", [0, 1, 1, 1], 0.75),  # targets of -1 and 1
        ("regression", 0, "linear", "mse", [1, 2, 6], 14 / 3),
        ("regression", 0, "linear", "mae", [1, 2, 6], None),
        ("classification", 2, "sigmoid", "binary_crossentropy", [1, 1], None),
    ],
)
def test_the_loss_of_guessing_is_that_of_the_mean_target(kind, classes, output, loss, labels, expected):
    objective = Objective(kind, classes, output, loss)
    guess = objective.guess(objective.targets(np.asarray(labels), np.float64))
    assert guess == (expected if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize(
    ("output", "loss"),
    [("sigmoid", "binary_crossentropy"), ("softmax", "categorical_crossentropy"), ("softmax", "mse")],
)
def test_no_constant_answer_beats_guessing(output, loss, smoothing):
    labels = np.array([0, 0, 0, 1, 1, 2])
    weights = balanced_weights(labels, 3) * [1, 2, 1]
    objective = Objective("classification", 3, output, loss, label_smoothing=smoothing, class_weights=weights)
    t = objective.targets(labels, np.float64)
    answers = np.random.default_rng(0).normal(0, 1.5, (3000, 3))
    values = [objective.value(np.tile(z, (len(labels), 1)), t) for z in answers]
    guess = objective.guess(t)
    assert guess is not None
    assert guess <= min(values) < 1.02 * guess
