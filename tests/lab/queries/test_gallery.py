"""Queries about a network that classifies pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data import DATASETS
from data.drawing_preparation import prepare_drawing
from lab.experiment.experiment import Experiment
from lab.experiment.recipes import RECIPES
from lab.queries.gallery import MAX_FILTERS, MAX_PICTURES, PAD_SIDE, read
from lab.queries.table import ask
from lab.training.build import Built, build
from lab.training.run import Run

DIGITS = RECIPES["digits"].experiment.change(epochs=15)
MNIST = Experiment(dataset="mnist", samples=12_000, hidden=(64,), activations="relu", initializer="he_normal",
                   optimizer="adam", learning_rate=0.002, batch_size=64, epochs=3)  # fmt: skip


@pytest.fixture(scope="module")
def run() -> Run:
    run = Run(DIGITS)
    while not run.trainer.stopped:
        run.trainer.epoch()
    return run


def question(run: Run, name: str, **facts):
    return ask(run, name, facts, {})


def test_the_matrix_and_scores_describe_the_test_part(run):
    header, arrays = question(run, "images")
    assert arrays["confusion"].sum() == header["test"] == len(run.dataset.y_test)
    accuracy = np.trace(arrays["confusion"]) / header["test"]
    assert header["test_accuracy"] == pytest.approx(accuracy)
    recall = arrays["confusion"].diagonal() / arrays["confusion"].sum(axis=1)
    np.testing.assert_allclose(arrays["scores"][1], recall, rtol=1e-6)


def test_a_cell_has_its_pictures_and_predictions(run):
    _, whole = question(run, "images")
    wrong = np.argwhere(whole["confusion"] * (1 - np.eye(10)) > 0)
    truth, seen = (int(number) for number in wrong[0])
    header, arrays = question(run, "cell", truth=truth, read=seen)
    assert header["count"] == whole["confusion"][truth, seen] == len(arrays["rows"])
    np.testing.assert_array_equal(arrays["truth"], truth)
    np.testing.assert_array_equal(arrays["shares"].argmax(axis=1), seen)
    np.testing.assert_array_equal(arrays["pictures"], run.dataset.images_test[arrays["rows"]])


def test_a_full_cell_sends_no_more_than_is_shown(run):
    header, arrays = question(run, "cell", truth=0, read=0)
    assert header["count"] > MAX_PICTURES == len(arrays["rows"])


def test_the_surest_mistakes_come_first_and_are_mistakes(run):
    header, arrays = question(run, "mistakes")
    sure = arrays["shares"].max(axis=1)
    assert (np.diff(sure) <= 0).all()
    assert (arrays["shares"].argmax(axis=1) != arrays["truth"]).all()
    assert header["count"] == header["searched"] == (run.trainer.predicted["test"] != run.dataset.y_test).sum()


def test_a_test_picture_is_read_as_the_network_reads_it(run):
    header, arrays = question(run, "picture", row=7)
    assert header["truth"] == run.dataset.y_test[7]
    np.testing.assert_array_equal(arrays["raw"], run.dataset.images_test[7])
    expected = run.trainer.objective.probabilities(run.trainer.network.forward(run.dataset.x_test[7:8]))[0]
    np.testing.assert_allclose(arrays["raw_shares"], expected, atol=1e-4)


def test_preparation_undoes_a_shift(run):
    _, still = question(run, "picture", row=7)
    _, shifted = question(run, "picture", row=7, right=2, down=-1)
    np.testing.assert_array_equal(shifted["picture"], still["picture"])
    np.testing.assert_array_equal(shifted["raw"][:-1, 2:], still["raw"][1:, :-2])


def test_the_first_layer_is_sent_as_pictures_of_its_units(run):
    header, arrays = question(run, "first_layer")
    assert arrays["weights"].shape == (MAX_FILTERS, 8, 8)
    W = run.trainer.network.named["0.W"]
    assert header["largest"] == pytest.approx(np.abs(W).max())
    row, unit = np.unravel_index(np.abs(W).argmax(), W.shape)
    assert arrays["weights"][unit].ravel()[row] == (255 if W[row, unit] > 0 else 1)


def test_the_filters_of_a_convolution_are_three_by_three():
    run = Run(Experiment(dataset="digits", conv=(5,), hidden=()))
    header, arrays = question(run, "first_layer")
    assert arrays["weights"].shape == (5, 3, 3)
    assert header["filters"]


def test_a_drawing_is_prepared_and_read(run):
    ink = np.zeros((PAD_SIDE, PAD_SIDE), np.uint8)
    ink[10:70, 38:46] = 255
    header, arrays = ask(run, "drawing", {}, {"ink": ink})
    assert not header["empty"]
    assert arrays["shares"].argmax() == 1
    np.testing.assert_array_equal(arrays["picture"], prepare_drawing(ink, (8, 8)).picture)
    header, arrays = ask(run, "drawing", {}, {"ink": np.zeros((PAD_SIDE, PAD_SIDE), np.uint8)})
    assert header["empty"]
    assert not arrays["picture"].any()


@pytest.mark.parametrize(
    ("name", "facts", "arrays"),
    [("cell", {"truth": 10, "read": 0}, {}), ("cell", {"truth": "1", "read": 0}, {}), ("picture", {"row": -1}, {}),
     ("picture", {"row": 10**6}, {}), ("picture", {"row": 0, "right": 1.5}, {}),
     ("picture", {"row": 0, "turn": 61}, {}), ("picture", {"row": True}, {}), ("drawing", {}, {}),
     ("drawing", {}, {"ink": np.zeros((PAD_SIDE, PAD_SIDE + 1), np.uint8)}),
     ("drawing", {}, {"ink": np.zeros((PAD_SIDE, PAD_SIDE))})],
)  # fmt: skip
def test_an_invalid_option_is_refused(run, name, facts, arrays):
    with pytest.raises(ValueError, match=r"allowed: a whole number from|A drawing has 84 by 84 bytes"):
        ask(run, name, facts, arrays)


def test_a_network_that_reads_no_pictures_says_so():
    with pytest.raises(ValueError, match="does not classify pictures"):
        question(Run(Experiment()), "images")


# What the preparation is for ------------------------------------------------------------------------------------------


def accuracies(built: Built, scale: int, shift: int, count: int) -> tuple[float, float, float]:
    """Accuracy on test pictures: original, shifted to four sides, and shifted with preparation.

    scale: factor of the size of the pictures on the pad. shift: in pixels of 28.
    """
    dataset, trainer = built
    assert dataset.images_test is not None
    pictures, labels = dataset.images_test[:count], dataset.y_test[:count]
    side = pictures.shape[1]

    def share(changed: list[np.ndarray]) -> float:
        z = trainer.network.forward(dataset.inputs(np.stack(changed).reshape(len(changed), -1)))
        return float(np.mean(trainer.objective.predict(z) == np.tile(labels, len(changed) // len(labels))))

    raw, prepared = [], []
    margin = shift + 1
    for down, right in ((0, shift), (0, -shift), (shift, 0), (-shift, shift)):
        for picture in pictures:
            wide = np.roll(np.pad(picture, margin), (down, right), (0, 1))
            raw.append(wide[margin : margin + side, margin : margin + side])
            prepared.append(prepare_drawing(np.kron(wide, np.ones((scale, scale))), (side, side)).picture)
    return share(list(pictures)), share(raw), share(prepared)


def test_prepared_small_digits_tolerate_a_shift(run):
    whole, raw, prepared = accuracies(Built(run.dataset, run.trainer), scale=9, shift=2, count=449)  # 7 pixels of 28
    assert prepared > whole - 0.02
    assert raw < 0.4


def test_prepared_mnist_digits_tolerate_a_shift():
    if not DATASETS["mnist"].available():
        pytest.skip("the files of MNIST are not here: BACKPROP_DATA names their folder")
    built = build(MNIST)
    while not built.trainer.stopped:
        built.trainer.epoch()
    whole, raw, prepared = accuracies(built, scale=1, shift=6, count=500)
    assert whole > 0.93
    assert prepared > whole - 0.02
    assert raw < 0.4


def test_what_is_dark_on_light_is_read_dark_on_light(run):
    assert run.dataset.images_test is not None
    inverted = replace(run.dataset, images_test=255 - run.dataset.images_test)
    ink = np.zeros((PAD_SIDE, PAD_SIDE), np.uint8)
    ink[10:70, 38:46] = 255
    _, dark = read(inverted, run.trainer, ink)
    _, light = read(run.dataset, run.trainer, ink)
    np.testing.assert_array_equal(dark["picture"], 255 - light["picture"])
