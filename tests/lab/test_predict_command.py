"""The commands run --table and predict: a table is trained on, and new rows are predicted from the model alone."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from data.files import user_data
from lab.__main__ import main
from lab.experiment import own_data
from lab.experiment.experiment import Experiment

EASY = Experiment(hidden=(8,), optimizer="adam", learning_rate=0.02, batch_size=10, epochs=20, seed=1)


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding, newline="")
    return path


@pytest.fixture
def lab(capsys):
    """Runs the command line where nothing is known of earlier uploads: (exit code, stdout, stderr)."""

    def lab(*words):
        with user_data.new_folder():
            code = main(list(map(str, words)))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return lab


@pytest.fixture
def train(lab, tmp_path):
    """Trains on a table; returns the model file."""

    def train(text, *words, experiment=EASY, encoding="utf-8"):
        model = tmp_path / "model.safetensors"
        table = write(tmp_path / "table.csv", text, encoding)
        code, _, err = lab("run", experiment.to_json(), "--table", table, "--json", "--save", model, *words)
        assert code == 0, err
        return model

    return train


def rows(answer) -> list[list[str]]:
    code, out, err = answer
    assert code == 0, err
    return list(csv.reader(io.StringIO(out)))


def census(count: int, start: int = 0, labels: bool = True, separator: str = ",") -> str:
    lines = [["No", "age", "work", *(["income"] if labels else [])]]
    for i in range(start, start + count):
        poor = i % 2
        cells = [str(1000 + 3 * i), str(20 + i % 5 + 30 * poor), ("farm", "office")[i // 3 % 2] if i % 7 else "?"]
        lines.append([*cells, *([("<=50K", ">50K")[poor]] if labels else [])])
    return "\n".join(separator.join(cells) for cells in lines) + "\n"


def test_new_rows_are_labeled_as_the_training_file_is(lab, train, tmp_path):
    model = train(census(60))
    new = census(20, 100, labels=False, separator=";").replace("office", "mine").replace("?", "")
    code, out, err = lab("predict", model, write(tmp_path / "new.csv", new))
    expected = [[str(1000 + 3 * i), ("<=50K", ">50K")[i % 2]] for i in range(100, 120)]
    assert rows((code, out, err)) == [["No", "income"], *expected]
    assert "work: 8 cells are no word of the training data (“mine”) and a gap." in err.splitlines()


def test_numbers_are_predicted_in_the_unit_of_the_target(lab, train, tmp_path):
    text = "rooms;price\n" + "".join(
        f"{2 + i % 4};{100.5 * (2 + i % 4) + i / 100:.2f}\n".replace(".", ",") for i in range(60)
    )
    new = write(tmp_path / "new.csv", "rooms\n2\n5\n")
    found = rows(lab("predict", train(text, experiment=EASY.change(epochs=100)), new))
    assert found[0] == ["Id", "price"]
    assert [row[0] for row in found[1:]] == ["1", "2"]
    assert [float(row[1]) for row in found[1:]] == pytest.approx([201, 502], rel=0.1)


LABELS = [("-1", "1"), ("1.0", "2.0"), ("None", "low"), ("да", "нет"), ("a,b", 'say "x"')]


@pytest.mark.parametrize("labels", LABELS, ids=str)
def test_labels_are_spelled_as_in_the_training_file(labels, lab, train, tmp_path):
    text = io.StringIO()
    csv.writer(text).writerows([["x", "label"], *([i % 2 * 5 + i % 3, labels[i % 2]] for i in range(40))])
    found = rows(lab("predict", train(text.getvalue()), write(tmp_path / "new.csv", "x\n0\n7\n")))
    assert found == [["Id", "label"], ["1", labels[0]], ["2", labels[1]]]


def test_a_label_that_is_a_formula_is_guarded(lab, train, tmp_path):
    text = "x,label\n" + "0,=1+1\n5,-1\n1,=1+1\n6,-1\n" * 10
    assert rows(lab("predict", train(text), write(tmp_path / "new.csv", "x\n0\n6\n")))[1:] == [
        ["1", "'=1+1"],
        ["2", "-1"],
    ]


def test_points_and_pictures_are_predicted_too(lab, tmp_path):
    model = tmp_path / "m.safetensors"
    assert lab("run", "dataset=gauss&epochs=5", "--json", "--save", model)[0] == 0
    found = rows(lab("predict", model, write(tmp_path / "new.csv", "x2,x1\n2,2\n-2,-2\n")))
    assert found[0] == ["Id", "Label"]
    assert {row[1] for row in found[1:]} == {"lower left", "upper right"}
    assert lab("run", "dataset=digits&samples=60&epochs=1", "--json", "--save", model)[0] == 0
    pixels = ",".join(f"pixel{i}" for i in range(64)) + "\n" + ",".join(["0"] * 64) + "\n"
    assert rows(lab("predict", model, write(tmp_path / "new.csv", pixels)))[0] == ["ImageId", "Label"]


REFUSED = {
    "no such model": ("none.safetensors", "new.csv", "none.safetensors cannot be read: No such file"),
    "no such file": ("model.safetensors", "none.csv", "none.csv cannot be read: No such file"),
    "no model": ("new.csv", "new.csv", "new.csv: This is no safetensors file;"),
    "no table": ("model.safetensors", "model.safetensors", "model.safetensors: The file is not plain text;"),
    "other columns": ("model.safetensors", "other.csv", "other.csv: The file lacks age, work; it needs 2 columns:"),
    "no rows": ("model.safetensors", "empty.csv", "empty.csv: The table has no rows;"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_predicted_is_refused_in_a_sentence(name, lab, train, tmp_path):
    train(census(40), experiment=EASY.change(epochs=1))
    write(tmp_path / "new.csv", census(5))
    write(tmp_path / "other.csv", "No,place\n1,x\n2,y\n")
    write(tmp_path / "empty.csv", "age,work\n")
    *files, sentence = REFUSED[name]
    code, out, err = lab("predict", *(tmp_path / file for file in files))
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert sentence in err
    assert err.endswith(".\n")


def settings_of(table: Path) -> str:
    """The experiment.json of a download, whose data is gone."""
    with user_data.new_folder():
        fields, _ = own_data.from_file(table)
        return EASY.change(**fields, epochs=2, hidden=(5,), class_weights="balanced").to_json()


def test_settings_of_a_download_run_with_a_table(lab, tmp_path):
    settings = settings_of(write(tmp_path / "first.csv", census(60)))
    assert json.loads(settings)["own"]
    file = write(tmp_path / "experiment.json", settings)
    code, _, err = lab("run", file, "--json")
    assert code == 2
    assert "uploaded in another session" in err
    table = write(tmp_path / "other name.csv", census(60))
    code, out, _ = lab("run", file, "--table", table, "--target", "income", "--json")
    assert (code, json.loads(out)["epochs"], json.loads(out)["parameters"]) == (0, 2, 5 * 4 + 6)
    link = "&".join(
        f"{name}={value}" for name, value in {**EASY.to_query(), "dataset": "table", "own": "0" * 32}.items()
    )
    assert lab("run", link, "--table", table, "--json")[0] == 0


def test_a_saved_model_goes_on_with_its_table_under_another_name(lab, train, tmp_path):
    model = train(census(60), experiment=EASY.change(epochs=2))
    table = write(tmp_path / "renamed.csv", census(60))
    words = ("run", EASY.change(epochs=4).to_json(), "--table", table, "--resume", model, "--json")
    code, out, err = lab(*words)
    assert code == 0, err
    assert (json.loads(out)["epochs"], json.loads(out)["steps"]) == (4, 20)
