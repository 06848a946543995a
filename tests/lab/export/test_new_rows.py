"""Exported scripts and models take the columns of the training file, and give our predictions."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data.files import user_data
from data.files.table_files import read_table
from data.files.table_roles import Choices, prepare_table
from data.files.unlabeled_rows import UnlabeledRows
from lab.experiment.experiment import Experiment
from lab.export import new_rows
from lab.queries.table import ask
from lab.training.model_file import Model
from lab.training.run import Run
from tests.lab.export.scripts import QUIET, require, trained, unpacked

CHOICES = {
    "classes": Choices("kind", ("size", "color", "place"), "classification", "mark"),
    "numbers": Choices("weight", ("size", "color", "place"), "regression", "fill"),
}


def table(rows: int = 60, labels: bool = True) -> bytes:
    """Thousands marks, decimal commas, words with quotes, gaps, and ids."""
    draw = np.random.default_rng(rows)
    lines = [["id", "size", "color", "place", *(["weight", "kind"] if labels else [])]]
    for i in range(rows):
        size = "" if i % 8 == 0 else f"{draw.uniform(500, 3000):,.2f}".translate(str.maketrans(",.", ".,"))
        color = ("red", '"deep; blue"', "", "green")[i % 4]
        lines.append([f"{i + 10}", size, color, ("Köln", "Łódź")[i % 2]])
        lines[-1] += [f"{draw.normal(5, 2):.3f}".replace(".", ","), ("a", "b", "=c")[i % 3]] if labels else []
    return "\n".join(";".join(line) for line in lines).encode()


@pytest.fixture(params=CHOICES)
def run(request) -> Run:
    with user_data.new_folder():
        prepared, _ = prepare_table(read_table(table()), CHOICES[request.param], "x.csv")
        e = Experiment(dataset="table", own=user_data.save(prepared), hidden=(4,), epochs=3, learning_rate=0.01,
                       output="tanh" if request.param == "numbers" else "auto", dtype="float64")  # fmt: skip
        yield trained(e)


def new() -> bytes:
    """Rows with unknown words and gaps."""
    return table(30, labels=False).replace(b"green", b"violet").replace("Łódź".encode(), b"?")


def ours(run: Run) -> list[list[str]]:
    rows = UnlabeledRows(new(), run.dataset.recipe)
    (answers,) = ask(run, "predict", {}, {"x": np.concatenate(list(rows))})[1].values()
    names = run.dataset.class_names
    return [[id, names[n] if names else float(n)] for id, n in zip(rows.ids, answers, strict=True)]


SCRIPTS = [
    ("classes", "numpy", "numpy"), ("numbers", "numpy", "numpy"), ("classes", "pytorch", "torch"),
    ("numbers", "keras", "keras"),
]  # fmt: skip


@pytest.mark.parametrize(("run", "script", "package"), SCRIPTS, indirect=["run"])
def test_scripts_predict_new_rows_as_we_do(script, package, run, tmp_path):
    require(package)
    note = unpacked(run.experiment, tmp_path, Run(run.experiment))
    assert "recipe.json" in note
    (tmp_path / "new.csv").write_bytes(new())
    words = [sys.executable, f"train_{script}.py", "new.csv"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, env=QUIET)
    assert done.returncode == 0, done.stderr[-2000:]
    head, *found = csv.reader((tmp_path / "predictions.csv").read_text(encoding="utf-8").splitlines())
    assert head == ["id", run.dataset.recipe.target]
    expected = ours(run)
    assert [row[0] for row in found] == [row[0] for row in expected]
    if run.dataset.class_names:
        assert found == expected
    else:
        np.testing.assert_allclose([float(y) for _, y in found], [y for _, y in expected], rtol=1e-4)


def test_a_row_is_encoded_as_the_playground_does(run, tmp_path):
    unpacked(run.experiment, tmp_path, run)
    recipe = new_rows.read_recipe(tmp_path)
    rows = csv.DictReader(new().decode().splitlines(), delimiter=";")
    raw = np.concatenate(list(UnlabeledRows(new(), run.dataset.recipe)))
    found = np.array([new_rows.encode(row, recipe) for row in rows])
    np.testing.assert_allclose(found, (raw - run.dataset.x_mean) / run.dataset.x_scale, rtol=1e-12, atol=1e-12)


def test_missing_columns_are_named(run, tmp_path):
    unpacked(run.experiment, tmp_path, run)
    file = tmp_path / "new.csv"
    file.write_text("size;colour\n1;red\n")
    with pytest.raises(SystemExit, match=r"The file lacks the columns color, place\."):
        new_rows.predict(str(file), lambda rows: rows, tmp_path)


def test_other_data_has_no_recipe(tmp_path):
    note = unpacked(Experiment(dataset="digits", samples=60, hidden=(4,), epochs=1), tmp_path)
    assert "recipe" not in note
    assert not (tmp_path / "new_rows.py").exists()
    assert "sys" not in (tmp_path / "train_numpy.py").read_text()


def test_the_onnx_model_fills_gaps(run):
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    from lab.export.onnx_model import onnx_model

    model = Model(*ask(run, "model", {}, {}))
    session = runtime.InferenceSession(onnx_model(model), providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    names, columns = json.loads(facts["features"]), json.loads(facts["recipe"])["columns"]
    assert [column["name"] for column in columns] == ["size", "color", "place"]
    raw = np.concatenate(list(UnlabeledRows(new(), run.dataset.recipe)))
    open_ = raw.copy()
    given = list(csv.DictReader(new().decode().splitlines(), delimiter=";"))
    for row, cells in enumerate(given):
        for column, known in (("size", bool(cells["size"])), ("place", cells["place"] != "?")):
            if not known:
                own = [
                    i
                    for i, name in enumerate(names)
                    if name == column or name.startswith((f"{column} ", f"{column} ="))
                ]
                open_[row, own] = np.nan
    assert np.isnan(open_).any()
    (filled,), (gaps,) = (session.run(None, {"raw": x}) for x in (raw, open_))
    np.testing.assert_array_equal(gaps, filled)
    trainer = run.trainer
    z = trainer.network.forward(run.dataset.inputs(raw).astype(np.float64))
    if run.dataset.class_names:
        np.testing.assert_allclose(filled, trainer.objective.probabilities(z), atol=1e-5)
    else:
        np.testing.assert_allclose(filled[:, 0], run.dataset.to_units(trainer.objective.predict(z)), rtol=1e-5)


def test_the_module_needs_nothing_but_python():
    text = Path(new_rows.__file__).read_text()
    imported = {line.split()[1].partition(".")[0] for line in text.splitlines() if line.startswith(("import", "from"))}
    assert imported <= {*sys.stdlib_module_names, "__future__"}
