from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as peer

from engine.formulas import metrics

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 4, 200)
PREDICTED = np.where(RNG.random(200) < 0.6, LABELS, RNG.integers(0, 4, 200))


def test_confusion_matrix_rows_are_the_truth():
    matrix = metrics.confusion_matrix(np.array([1, 1, 0]), np.array([0, 0, 0]), 3)
    assert matrix.tolist() == [[1, 2, 0], [0, 0, 0], [0, 0, 0]]
    np.testing.assert_array_equal(
        metrics.confusion_matrix(PREDICTED, LABELS, 4), peer.confusion_matrix(LABELS, PREDICTED)
    )


def test_accuracy_is_the_share_on_the_diagonal():
    matrix = metrics.confusion_matrix(PREDICTED, LABELS, 4)
    assert metrics.accuracy(PREDICTED, LABELS) == matrix.trace() / 200 == peer.accuracy_score(LABELS, PREDICTED)


def test_precision_recall_and_f1_agree_with_scikit_learn():
    ours = metrics.class_scores(metrics.confusion_matrix(PREDICTED, LABELS, 4))
    theirs = peer.precision_recall_fscore_support(LABELS, PREDICTED)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-14)
    macro = peer.precision_recall_fscore_support(LABELS, PREDICTED, average="macro")[:3]
    assert ours.macro == pytest.approx(macro, rel=1e-14)


def test_a_class_without_samples_or_predictions_scores_zero():
    scores = metrics.class_scores(np.array([[2, 1, 0], [3, 0, 0], [0, 0, 0]]))
    assert scores.precision.tolist() == [0.4, 0.0, 0.0]
    assert scores.recall.tolist() == [2 / 3, 0.0, 0.0]
    assert scores.f1.tolist() == [0.5, 0.0, 0.0]
    assert scores.support.tolist() == [3, 3, 0]


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_top_k_agrees_with_scikit_learn(k):
    scores = RNG.random((200, 4))
    expected = peer.top_k_accuracy_score(LABELS, scores, k=k) if k < 4 else 1.0
    assert metrics.top_k(scores, LABELS, k) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("digits", [1, 15])
def test_the_roc_curve_agrees_with_scikit_learn_also_with_ties(digits):
    labels = RNG.integers(0, 2, 100)
    scores = np.round(RNG.normal(size=100) + labels, digits)
    curve = metrics.roc_curve(scores, labels)
    for mine, other in zip(curve, peer.roc_curve(labels, scores, drop_intermediate=False), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-14)
    assert curve.auc == pytest.approx(peer.roc_auc_score(labels, scores), rel=1e-13)


def test_roc_area_of_perfect_random_and_reversed_order():
    labels = np.array([0, 0, 1, 1])
    assert [metrics.roc_curve(np.array(s), labels).auc for s in ([1, 2, 3, 4], [7, 7, 7, 7], [4, 3, 2, 1])] == [
        1,
        0.5,
        0,
    ]


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_has_no_area(label):
    assert np.isnan(metrics.roc_curve(np.arange(3.0), np.full(3, label)).auc)


def test_regression_scores_agree_with_scikit_learn():
    targets = RNG.normal(3, 2, 50)
    predicted = targets + RNG.normal(size=50)
    assert metrics.r2(predicted, targets) == pytest.approx(peer.r2_score(targets, predicted), rel=1e-13)
    assert metrics.mae(predicted, targets) == pytest.approx(peer.mean_absolute_error(targets, predicted), rel=1e-13)
    assert metrics.rmse(predicted, targets) == pytest.approx(
        peer.root_mean_squared_error(targets, predicted), rel=1e-13
    )


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e30), (np.float64, 1e300)])
def test_huge_errors_raise_no_overflow_warning(dtype, size):
    predicted, targets = np.full(4, size, dtype), np.array([0, 1, 2, 3], dtype)
    assert metrics.mae(predicted, targets) == pytest.approx(size)
    assert metrics.rmse(predicted, targets) == pytest.approx(size if dtype == np.float32 else np.inf)
    assert metrics.r2(predicted, targets) < -1e50


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0.0, 0.1, -1e30, 1e-30])
def test_targets_without_spread_have_no_r2(value, dtype):
    targets = np.full(200, value, dtype)  # the mean of 200 times 0.1 is not 0.1
    rounded = np.where(np.arange(200) % 2, targets, np.nextafter(targets, np.inf, dtype=dtype))
    for constant in (targets, rounded, targets[:1], targets[:0]):
        assert np.isnan(metrics.r2(constant + dtype(1), constant))


def test_small_spread_beyond_rounding_has_an_r2():
    targets = np.array([1e9, 1e9 + 1e-3, 1e9 + 2e-3])
    assert metrics.r2(targets, targets) == 1


def test_figures_without_samples_are_undefined():
    none = np.zeros(0)
    figures = metrics.accuracy(none, none), metrics.mae(none, none), metrics.rmse(none, none)
    assert np.isnan([*figures, metrics.top_k(np.zeros((0, 3)), none, 1)]).all()
