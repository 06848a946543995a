"""A saved network predicts new rows as its run did, without the data that it was trained on."""

from __future__ import annotations

import json

import numpy as np
import pytest
import safetensors.numpy

from data.files import user_data
from data.files.table_report import read_for_training
from data.files.unlabeled_rows import UnlabeledRows
from data.recipe import Recipe
from lab.experiment.experiment import Experiment, ExperimentError, SavedExperiment
from lab.queries import downloads
from lab.queries.table import ask
from lab.training.model_file import Model, ModelFileError, capture, from_bytes, to_bytes
from lab.training.predictor import Predictor
from lab.training.run import Run
from tests.lab.helpers import SMALL, trained
from tests.lab.training.test_hostile_model_files import with_fact, with_tensor


def people(rows: int = 60) -> bytes:
    lines = ["Id;age;work;income"]
    for i in range(rows):
        age = "" if i % 9 == 0 else f"{20 + i % 13 + 0.25 * (i % 2):.2f}".replace(".", ",")
        lines.append(f"{7 * i};{age};{('office', 'farm', '')[i % 3]};{('<=50K', '>50K', '=1')[i % 3]}")
    return "\n".join(lines).encode()


@pytest.fixture(scope="module")
def table() -> tuple[bytes, Run]:
    """A model file of a table that nobody has any more, and the run that it was saved from."""
    with user_data.new_folder():
        prepared, _ = read_for_training(people(), "people.csv")
        e = Experiment(dataset="table", own=user_data.save(prepared), hidden=(4,), batch_norm=True, optimizer="adam")
        run = Run(e)
        for _ in range(3):
            run.trainer.epoch()
        return to_bytes(capture(e, run.dataset, run.trainer)), run


EXPERIMENTS = {
    "points": SMALL.change(features=("x1^2", "x2")),
    "a typed feature": SMALL.change(features=("x1", "formula"), formula="x1*x2 + 1"),
    "three classes": Experiment(dataset="iris", hidden=(4,), residual=True),
    "numbers": Experiment(dataset="diabetes", hidden=(4,), dtype="float64"),
    "pictures": Experiment(dataset="digits", samples=60, hidden=(4,), scaling="per_image"),
    "filters": Experiment(dataset="digits", samples=60, conv=(2,), hidden=(4,)),
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_model_file_predicts_like_its_run(name):
    run = Run(EXPERIMENTS[name])
    run.step()
    d = run.dataset
    raw = d.points_test if d.encode else d.x_test.astype(np.float64) * d.x_scale + d.x_mean
    raw = np.rint(raw) if d.image_shape else raw
    predictor = Predictor(from_bytes(to_bytes(Model(*ask(run, "model", {}, {})))))
    assert predictor.recipe == d.recipe
    (expected,) = ask(run, "predict", {}, {"x": raw})[1].values()
    np.testing.assert_array_equal(predictor.predict(raw), expected)


def test_a_model_opens_and_predicts_without_its_data(table):
    content, run = table
    model = from_bytes(content)
    assert not model.has_data
    assert model.recipe == run.dataset.recipe
    assert (model.experiment.outputs, model.experiment.output_name) == (3, "softmax")
    predictor = Predictor(model)
    rows = np.concatenate(list(UnlabeledRows(people(), predictor.recipe)))
    (expected,) = ask(run, "predict", {}, {"x": rows})[1].values()
    np.testing.assert_array_equal(predictor.predict(rows), expected)
    assert predictor.classes == ["<=50K", "=1", ">50K"]


def test_without_its_data_a_model_cannot_be_trained_and_says_so(table):
    model = from_bytes(table[0])
    run = Run(SMALL)
    with pytest.raises(ExperimentError, match="uploaded in another session"):
        downloads.load(run, model, model.experiment)
    assert run.experiment == SMALL
    assert isinstance(model.experiment.change(device="cuda:0"), SavedExperiment)


def test_a_model_goes_on_with_the_same_table_under_another_name(table):
    content, run = table
    with user_data.new_folder():
        prepared, _ = read_for_training(people(), "other.csv")
        e = Experiment.model_validate({**dict(run.experiment), "own": user_data.save(prepared)})
        assert e.own != run.experiment.own
        again = Run(SMALL)
        downloads.load(again, from_bytes(content), e)
        np.testing.assert_array_equal(again.trainer.network.parameters, run.trainer.network.parameters)


def test_an_older_file_without_a_description_opens_with_its_data():
    with user_data.new_folder():
        prepared, _ = read_for_training(people(), "people.csv")
        e = Experiment(dataset="table", own=user_data.save(prepared), hidden=(4,))
        model = capture(e, *trained(e))
        for name in ("kind", "image_shape", "recipe"):
            del model.metadata[name]
        content = to_bytes(model)
        assert from_bytes(content).experiment == e
        names = from_bytes(content).metadata["features"]
        assert from_bytes(content).recipe == Recipe.of_numbers(names)
    with pytest.raises(ModelFileError, match="uploaded in another session"):
        from_bytes(content)


def test_an_older_file_of_a_built_in_set_predicts():
    model = capture(SMALL, *trained())
    for name in ("kind", "image_shape", "recipe"):
        del model.metadata[name]
    assert set(Predictor(from_bytes(to_bytes(model))).predict(np.zeros((2, 2)))) <= {0, 1}


DAMAGED = "The file describes its data in an unknown way; allowed: a model saved by Backprop Playground."
COLUMN = {"name": "age"}
HOSTILE = {
    "a recipe that is none": (with_fact("recipe", '{"columns": 3}'), DAMAGED),
    "a recipe that is no JSON": (with_fact("recipe", "{"), DAMAGED),
    "a deep recipe": (with_fact("recipe", "[" * 50_000), DAMAGED),
    "a recipe of other inputs": (with_fact("recipe", json.dumps({"columns": [COLUMN]})), DAMAGED),
    "labels that are none": (with_fact("classes", "[1, 2, 3]"), DAMAGED),
    "half a character": (with_fact("classes", '["a", "b", "\\ud800"]'), DAMAGED),
    "no labels": (with_fact("classes", "[]"), DAMAGED),
    "another kind": (with_fact("kind", "regression"), DAMAGED),
    "an unknown kind": (with_fact("kind", "magic"), DAMAGED),
    "a picture of another size": (with_fact("image_shape", "[28, 28]"), DAMAGED),
    "a shape that is none": (with_fact("image_shape", "7"), DAMAGED),
    "a picture of a table": (with_fact("image_shape", "[1, 3]"), "dataset: table does not fit; allowed: own_images"),
    "fewer labels": (with_fact("classes", '["a", "b"]'), "network.3.W is 4 x 3;"),
    "a scale of nothing": (with_tensor("data.x_scale", np.zeros_like), "data.x_scale holds a zero"),
    "another scale": (with_tensor("data.x_scale", lambda x: x[:1].copy()), "data.x_scale is 1; "),
    "no weights": (with_tensor("network.0.W", lambda _: None), "The file lacks network.0.W"),
    "no running statistics": (with_tensor("network.1.mean", lambda _: None), "The file lacks network.1.mean"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_description_is_refused(name, table):
    change, sentence = HOSTILE[name]
    with pytest.raises(ModelFileError) as refused:
        Predictor(from_bytes(change(table[0])))
    assert sentence in str(refused.value)
    assert str(refused.value).endswith(".")


def test_names_beyond_all_measure_are_not_saved():
    model = capture(SMALL, *trained())
    with pytest.raises(ModelFileError, match=r"The names of this data take [0-9,]+ bytes; at most 4,000,000 fit"):
        to_bytes(model._replace(metadata={**model.metadata, "features": ["a" * 5_000_000]}))


def test_the_description_can_be_read_by_other_programs(table):
    with_header = json.loads(table[0][8 : 8 + int.from_bytes(table[0][:8], "little")])["__metadata__"]
    recipe = json.loads(with_header["recipe"])
    assert [column["name"] for column in recipe["columns"]] == ["age", "work"]
    assert recipe["columns"][1]["categories"] == ["farm", "office"]
    assert (recipe["ids"], recipe["target"], recipe["decimal"]) == (["Id"], "income", ",")
    assert "network.0.W" in safetensors.numpy.load(table[0])
