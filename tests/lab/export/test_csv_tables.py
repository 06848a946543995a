"""CSV downloads: their content, without cells that a program interprets as a formula."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from data.dataset import POINTS
from data.files.safe_cells import safe_cell
from data.recipe import Recipe
from lab.experiment.experiment import Experiment
from lab.export import csv_tables
from lab.queries import downloads
from lab.queries.table import ask
from lab.training.run import Run
from tests.lab.helpers import SMALL

EVIL = ['=HYPERLINK("http://a")', "+A1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "  =1"]


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_curve_has_a_line_for_each_point(dtype):
    run = Run(SMALL.change(dtype=dtype))
    for _ in range(3):
        run.step()
    header, arrays = ask(run, "curves", {}, {})
    table = rows(csv_tables.curves(arrays["epochs"], arrays["values"], header["score"]))
    assert table[0] == ["epoch", "train_loss", "test_loss", "train_accuracy", "test_accuracy"]
    values = np.array(table[1:], dtype)
    np.testing.assert_array_equal(values[:, 0], [0, 1, 2, 3])
    np.testing.assert_array_equal(values[:, 1:].T, run.trainer.history.values)


def test_the_curve_of_the_validation_part_is_in_columns_of_its_own():
    run = Run(SMALL.change(validation_share=0.2))
    run.step()
    header, arrays = ask(run, "curves", {}, {})
    table = rows(csv_tables.curves(arrays["epochs"], arrays["values"], header["score"]))
    assert table[0][5:] == ["validation_loss", "validation_accuracy"]
    np.testing.assert_allclose(np.array(table[2][5:], np.float32), run.trainer.evaluate()[4:], rtol=1e-6)


def test_the_confusion_matrix_counts_the_whole_test_part():
    run = Run(Experiment(dataset="iris", hidden=(4,)))
    header, arrays = ask(run, "confusion", {}, {})
    table = rows(csv_tables.confusion(arrays["counts"], header["classes"]))
    assert table[0] == ["truth \\ prediction", "setosa", "versicolor", "virginica"]
    assert [row[0] for row in table[1:]] == table[0][1:]
    assert np.array([row[1:] for row in table[1:]], int).sum() == len(run.dataset.y_test)


def test_numbers_have_no_confusion_matrix():
    with pytest.raises(ValueError, match="a confusion matrix is for classification"):
        ask(Run(Experiment(dataset="plane", samples=40)), "confusion", {}, {})


@pytest.mark.parametrize("name", EVIL)
def test_a_name_that_looks_like_a_formula_stays_text(name):
    assert safe_cell(name).startswith("'")
    for text in (
        csv_tables.confusion(np.zeros((1, 1), int), [name]),
        csv_tables.predictions(np.array([0]), [name], ("Id", name), [name]),
    ):
        assert all(not cell.lstrip().startswith(("=", "+", "-", "@")) for row in rows(text) for cell in row)


def test_numbers_below_zero_stay_numbers():
    text = csv_tables.predictions(np.array([-1.5, 0.1], np.float32), [], ("Id", "Value"))
    assert text == "Id,Value\n1,-1.5\n2,0.1\n"


def test_predictions_follow_the_ids_of_their_rows():
    text = csv_tables.predictions(np.array([7, 0]), list("0123456789"), ("ImageId", "Label"), ["a", "-4"])
    assert text == "ImageId,Label\na,7\n-4,0\n"


@pytest.mark.parametrize("dataset", ["circle", "iris", "digits", "diabetes"])
def test_examples_in_raw_units_get_the_same_predictions(dataset):
    run = Run(Experiment(dataset=dataset, samples=60, hidden=(4,)))
    run.step()
    d, trainer = run.dataset, run.trainer
    raw = d.points_test if d.encode else d.x_test.astype(np.float64) * d.x_scale + d.x_mean
    (answers,) = ask(run, "predict", {}, {"x": raw})[1].values()
    expected = trainer.objective.predict(trainer.network.forward(trainer.x_test))
    np.testing.assert_allclose(answers, d.to_units(expected) if dataset == "diabetes" else expected, rtol=1e-4)


def test_inputs_are_named_and_fit_into_a_query():
    facts = ask(Run(Experiment(dataset="digits", hidden=(4,))), "inputs", {}, {})[0]
    recipe = Recipe.from_values(facts["recipe"])
    assert ([column.name for column in recipe.columns[:2]], recipe.pixels) == (["pixel_0_0", "pixel_0_1"], True)
    assert 1 <= facts["rows"] * 64 <= downloads.MAX_NUMBERS
    assert Recipe.from_values(ask(Run(SMALL), "inputs", {}, {})[0]["recipe"]) == POINTS
