"""The range of scores over seeds, with a simulated training."""

from __future__ import annotations

import json

import pytest

from bench import __main__ as command
from bench import accuracy


def train(experiment, data_dir):
    if experiment.dataset == "mnist" and not data_dir:
        raise RuntimeError("MNIST is missing.")
    return {"test_accuracy": 0.9 + experiment.seed / 100, "seconds": 2.0 * experiment.seed}


def test_a_row_has_the_range_over_the_seeds():
    report = accuracy.measure(["digits", "modern"], seeds=3, train=train)
    (row,) = report["rows"]
    assert row == {
        "workload": "digits", "score": "test_accuracy", "lowest": 0.91, "median": 0.92, "highest": 0.93, "seeds": 3,
        "seconds": 4.0,
    }  # fmt: skip
    assert report["missing"] == {"modern": "MNIST is missing."}
    assert "BLAS kernels" in report["machine"]


def test_every_documented_network_is_an_experiment_of_its_own():
    assert len({experiment.to_json() for experiment in accuracy.WORKLOADS.values()}) == len(accuracy.WORKLOADS)


def test_the_command_prints_the_score_that_the_experiment_reaches(capsys):
    assert command.main(["accuracy", "--workload", "seed001_three", "--seeds", "1", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["score"], row["seeds"]) == ("test_r2", 1)
    assert 0.2 <= row["lowest"] == row["median"] == row["highest"] <= 1


@pytest.mark.parametrize("words", [["--seeds", "0"], ["--workload", "nowhere"], ["--rounds", "3"]])
def test_wrong_options_are_refused(words, capsys):
    with pytest.raises(SystemExit):
        command.main(["accuracy", *words])
    assert "accuracy" in capsys.readouterr().err
