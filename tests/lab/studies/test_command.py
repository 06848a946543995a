"""`python -m lab study`: input, output, refusals and Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import Future

import pytest

from lab.__main__ import main
from lab.experiment.experiment import ExperimentError
from lab.store.store import Store
from tests.lab.studies.helpers import SMALL, Threads, conducted, study_of


@pytest.fixture
def study(capsys, monkeypatch):
    """Runs the command in this process: (exit code, stdout, stderr)."""
    monkeypatch.setattr("lab.studies.command.LocalWorkers", Threads)

    def study(*words):
        code = main(["study", *map(str, words)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return study


def test_one_json_object_on_stdout_and_progress_on_stderr(study, tmp_path):
    file = tmp_path / "study.json"
    file.write_text(json.dumps({**SMALL, "experiment": {"dataset": "moons", "samples": 60, "epochs": 3}}))
    code, out, err = study(file, "--trials", 4, "--workers", 1, "--json")
    assert code == 0
    report = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert report["trials"] == {"done": 4, "pruned": 0, "failed": 0}
    assert [*report["rows"][0]][:6] == ["number", "state", "learning_rate", "hidden", "value", "seconds"]
    assert {"experiment", "value", "test_loss", "test_accuracy"} <= report["best"].keys()
    note, name, *lines = err.splitlines()
    assert note.startswith("20% of the training part was set aside")
    assert name.endswith("4 trials.")
    assert [line.split(":")[0].strip() for line in lines[:4]] == [f"{n} of 4" for n in range(1, 5)]
    assert "is the best: test_loss" in lines[4]


def test_without_json_a_few_lines_for_people(study):
    code, out, _ = study(json.dumps(SMALL), "--trials", 2)
    counts, figures, experiment = out.splitlines()
    assert code == 0
    assert counts.startswith("2 done, 0 pruned, 0 failed. Trial ")
    assert "test_accuracy" in figures
    assert json.loads(experiment)["dataset"] == "moons"


def test_a_table_of_ones_own_is_searched(study, tmp_path):
    file = tmp_path / "flowers.csv"
    file.write_text("a,b,species\n" + "".join(f"{i % 7},{i % 5},{'yes' if i % 7 > 3 else 'no'}\n" for i in range(60)))
    text = json.dumps({"space": {"hidden": [[2], [3]]}, "experiment": {"epochs": 2}, "seeds": 1})
    code, out, _ = study(text, "--trials", 2, "--table", file, "--target", "species", "--json")
    assert code == 0
    assert json.loads(out)["best"]["experiment"]["dataset"] == "table"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["no_such_file.json"], "no_such_file.json cannot be read. Allowed: "),
        ([json.dumps(SMALL), "--trials", "0"], "trials: 0 is not allowed; allowed: "),
        ([json.dumps(SMALL), "--workers", "0"], "workers: 0 is not allowed; allowed: "),
        ([json.dumps(SMALL), "--target", "species"], "--target names a column of --table."),
        ([json.dumps(SMALL), "--store", "nonsense"], "--store: This address"),
    ],
)
def test_wrong_words_are_refused_with_a_sentence(study, words, sentence):
    code, out, err = study(*words)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith(sentence)


def test_what_is_done_is_reported_where_a_scheduler_is_lost(study, monkeypatch):
    class Lost(Threads):
        def submit(self, text):
            future = super().submit(text)
            done.append(future)
            return future if len(done) < 3 else dropped

    done, dropped = [], Future()
    dropped.set_exception(ExperimentError(["scheduler: it has dropped the study."]))
    monkeypatch.setattr("lab.studies.command.LocalWorkers", Lost)
    code, out, err = study(json.dumps(SMALL), "--json", "--workers", 1)
    assert code == 2
    assert len(json.loads(out)["rows"]) == 2
    assert err.splitlines()[-1] == "scheduler: it has dropped the study."


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_reports_what_is_there_and_the_store_goes_on(tmp_path):
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    text = json.dumps({**SMALL, "trials": 200, "sampler": "random"})
    words = [sys.executable, "-m", "lab", "study", text, "--workers", "1", "--store", url, "--json"]
    process = subprocess.Popen(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr
    while " of 200: trial " not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on" in err
    rows = json.loads(out)["rows"]
    assert 1 <= len(rows) < 200
    study, store = study_of(trials=len(rows) + 1, sampler="random"), Store(url)
    assert conducted(study, store=store).report()["rows"][: len(rows)] == rows
    store.close()
