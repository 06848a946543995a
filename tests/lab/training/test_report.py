"""Reports of the command line, and resuming from a saved file."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lab.__main__ import main
from lab.experiment.experiment import Experiment
from lab.training.build import build
from lab.training.report import gradient_check, report


def printed(capsys, *arguments: str) -> dict:
    assert main(list(arguments)) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("dataset", ["circle", "spiral3", "diabetes", "digits"])
def test_a_report_is_json_and_does_not_change_the_trainer(dataset):
    built = build(Experiment(dataset=dataset))
    trainer = built.trainer
    trainer.epoch()
    before = trainer.network.parameters.copy()
    facts = json.loads(json.dumps(report(trainer, built.dataset)))
    np.testing.assert_array_equal(trainer.network.parameters, before)
    assert [line["name"] for line in facts["summary"]][-1].startswith("Dense")
    assert sum(line["parameters"] for line in facts["summary"]) == before.size
    assert 1e-5 <= facts["suggested_learning_rate"] <= 10


def test_the_metrics_of_a_report_follow_from_its_confusion_matrix():
    built = build(Experiment(dataset="spiral3"))
    trainer = built.trainer
    trainer.epoch()
    metrics = report(trainer, built.dataset)["metrics"]
    matrix = np.array(metrics["confusion"])
    hits = matrix.diagonal()
    np.testing.assert_allclose(metrics["recall"], hits / matrix.sum(axis=1))
    assert matrix.sum() == len(trainer.y_test)
    assert metrics["auc"] is None


def test_the_gradient_check_finds_backprop_right_in_float64():
    trainer = build(Experiment(hidden=(4, 4), activations="gelu", batch_norm=True, dtype="float64")).trainer
    assert gradient_check(trainer)["worst"]["error"] < 1e-6


def test_the_check_command_prints_the_worst_entry(capsys):
    facts = printed(capsys, "check", '{"hidden": [3]}')
    assert facts["checked"] > 10
    assert facts["worst"]["error"] < 1e-6


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, capsys):
    source, file = '{"optimizer": "adam", "dropout": 0.2, "batch_norm": true}', str(tmp_path / "run.safetensors")
    printed(capsys, "run", source, "--epochs", "4", "--json", "--save", file)
    parts = printed(capsys, "run", source, "--epochs", "9", "--json", "--resume", file)
    whole = printed(capsys, "run", source, "--epochs", "9", "--json")
    assert parts["epochs"] == 9
    assert {**parts, "seconds": 0} == {**whole, "seconds": 0}


@pytest.mark.parametrize("content", [None, b"", b"nonsense", b"BPF1\xff\xff\xff\xff"])
def test_a_file_that_does_not_fit_is_refused(content, tmp_path, capsys):
    file = tmp_path / "run.safetensors"
    if content is not None:
        file.write_bytes(content)
    assert main(["run", "{}", "--epochs", "1", "--json", "--resume", str(file)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.strip().endswith(".")


def test_the_report_option_adds_the_report(capsys):
    facts = printed(capsys, "run", "{}", "--epochs", "2", "--json", "--report")
    assert set(facts["report"]) == {"summary", "metrics", "validation_metrics", "layers", "suggested_learning_rate"}
