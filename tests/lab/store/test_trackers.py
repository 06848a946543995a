"""Kept runs reach MLflow and trackio with all that these can show. The tools are stand-ins that note their calls."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lab.__main__ import main
from lab.store import exchange, trackers
from tests.lab.store.kept import run


class Client:
    """As much of MLflow's client as is used, with the bounds of its server."""

    def __init__(self) -> None:
        self.groups: dict[str, str] = {}
        self.runs: list[dict[str, Any]] = []

    def get_experiment_by_name(self, name):
        return SimpleNamespace(experiment_id=self.groups[name]) if name in self.groups else None

    def create_experiment(self, name):
        return self.groups.setdefault(name, "7")

    def create_run(self, group, start_time, tags, run_name):
        self.runs.append(
            {"group": group, "began": start_time, "tags": tags, "name": run_name, "params": {}, "points": []}
        )
        return SimpleNamespace(info=SimpleNamespace(run_id=str(len(self.runs) - 1)))

    def log_batch(self, id, metrics=(), params=()):
        assert len(metrics) <= 1000
        assert len(params) <= 100
        self.runs[int(id)]["params"] |= dict(params)
        self.runs[int(id)]["points"] += metrics

    def set_terminated(self, id, status, ended):
        self.runs[int(id)] |= {"status": status, "ended": ended}


@pytest.fixture
def mlflow(monkeypatch) -> Client:
    client = Client()
    entities = SimpleNamespace(Param=lambda *words: words, Metric=lambda *words: words)
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(MlflowClient=lambda: client, entities=entities))
    return client


@pytest.fixture
def file(tmp_path):
    """An exported file of two runs, one of which has diverged."""
    path = tmp_path / "chosen.runs.jsonl.gz"
    bad = run(fields={"learning_rate": 10.0}, status="diverged")
    path.write_bytes(exchange.export([run(fields={"learning_rate": 0.1}), bad]))
    return path


def test_mlflow_gets_settings_curves_and_the_link(mlflow, file, capsys):
    for _ in range(2):  # the second time the experiment is there
        assert main(["log", str(file), "--to", "mlflow", "--project", "circles"]) == 0
    assert "Logged 2 runs in mlflow, project circles." in capsys.readouterr().err
    assert mlflow.groups == {"circles": "7"}
    told, runs = mlflow.runs[0], exchange.read(file.read_bytes(), "")
    assert len(mlflow.runs) == 4
    assert (told["params"]["learning_rate"], told["params"]["hidden"]) == ("0.1", "8,8")
    assert told["tags"]["playground.link"] == "?learning_rate=0.1"
    assert told["name"] == "learning_rate 0.1"
    losses = {epoch: value for name, value, _, epoch in told["points"] if name == "test_loss"}
    known = np.isfinite(runs[0].curve.values[1])
    assert losses == dict(zip(runs[0].curve.epochs[known], runs[0].curve.values[1, known].tolist(), strict=True))
    assert 0 < len(losses) < len(runs[0].curve.epochs)  # one is missing
    assert told["began"] <= told["ended"]
    assert [run["status"] for run in mlflow.runs[:2]] == ["FINISHED", "FAILED"]


def test_trackio_gets_a_row_for_each_epoch(monkeypatch, file):
    calls: list[tuple[str, Any]] = []
    stand_in = SimpleNamespace(
        init=lambda **options: calls.append(("init", options)),
        log=lambda row, step: calls.append(("log", (step, row))),
        finish=lambda: calls.append(("finish", None)),
    )
    monkeypatch.setitem(sys.modules, "trackio", stand_in)
    assert main(["log", str(file), "--to", "trackio"]) == 0
    first = exchange.read(file.read_bytes(), "")[0]
    assert calls[0][1]["project"] == "backprop-playground"
    assert calls[0][1]["config"]["learning_rate"] == "0.1"
    count = len(first.curve.epochs)
    assert [name for name, _ in calls[: count + 2]] == ["init", *["log"] * count, "finish"]
    assert calls[count][1] == list(trackers.metrics(first))[-1]


def test_a_tool_that_is_missing_or_fails_is_a_sentence(monkeypatch, mlflow, file, capsys):
    monkeypatch.setitem(sys.modules, "trackio", None)  # as if it were not installed
    assert main(["log", str(file), "--to", "trackio"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("trackio cannot be used here (")
    assert said.endswith("; install it with: pip install trackio\n")

    def refuses(*_: Any) -> None:
        raise ConnectionError("no answer\nof the server")

    monkeypatch.setattr(mlflow, "create_experiment", refuses)
    assert main(["log", str(file), "--to", "mlflow"]) == 2
    assert capsys.readouterr().err == "mlflow did not take the runs: no answer\n"
    file.write_bytes(b"something else")
    assert main(["log", str(file), "--to", "mlflow"]) == 2
    assert capsys.readouterr().err == f"{exchange.NO_FILE}\n"
