"""What is proposed, trained, kept and reported."""

from __future__ import annotations

import json
import statistics
import threading
from concurrent.futures import Future
from dataclasses import replace

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from lab.experiment.experiment import Experiment
from lab.store.kept_run import EVERYONE, owner_of
from lab.store.store import Store
from lab.studies.conduct import conduct
from lab.studies.search import OUTCOME, Search, _storage, remove_old
from lab.studies.study import Study
from lab.studies.task import Task
from lab.studies.trial import Unwanted, run_task
from lab.training.change_log import fingerprint
from lab.training.headless import run as run_alone
from lab.training.headless import train
from tests.lab.studies.helpers import SMALL, Threads, conducted, rows_of, study_of


@pytest.fixture
def store(url):
    store = Store(url)
    yield store
    store.close()


def parameters(search):
    return [[row[name] for name in search.study.space] for row in search.rows()]


def test_the_same_study_has_the_same_rows():
    study = study_of(trials=12)
    first = conducted(study)
    assert rows_of(first) == rows_of(conducted(study))
    assert [row["number"] for row in first.rows()] == list(range(12))
    assert parameters(first) != parameters(conducted(replace(study, seed=2)))


@pytest.mark.parametrize("sampler", ["random", "grid"])
def test_many_workers_train_what_one_does(sampler):
    study = study_of(sampler=sampler, trials=8)
    assert rows_of(conducted(study, slots=4)) == rows_of(conducted(study))


def test_settings_have_shares_of_the_differences_only_where_trials_differ():
    shares = conducted(study_of(trials=12, sampler="random")).importance()
    assert set(shares) == set(SMALL["space"])
    assert sum(shares.values()) == pytest.approx(1)
    assert conducted(study_of(trials=12, sampler="random", space={"l2": [0, 0.01]})).importance() == {}
    easy = SMALL["experiment"] | {"dataset": "gauss"}
    space = {"learning_rate": {"low": 0.1, "high": 0.3, "log": True}, "l2": [0, 0.001]}
    alike = conducted(study_of(trials=12, objective="validation_accuracy", experiment=easy, space=space))
    assert {row["value"] for row in alike.rows()} == {1.0}
    assert alike.importance() == {}


def test_a_grid_ends_with_its_last_combination():
    search = conducted(study_of(sampler="grid", trials=100, space={"l2": [0, 0.1], "hidden": [[2], [3]]}))
    assert sorted(map(tuple, parameters(search))) == [(0, (2,)), (0, (3,)), (0.1, (2,)), (0.1, (3,))]
    assert search.report()["trials"] == {"done": 4, "pruned": 0, "failed": 0}


@pytest.mark.parametrize("objective", ["validation_loss", "validation_accuracy"])
def test_a_trial_is_the_run_with_the_median_to_the_bit(objective):
    search = conducted(study_of(seeds=3, trials=3, objective=objective))
    for row in search.rows():
        point = {name: row[name] for name in search.study.space}
        results = {e.weight_seed: run_alone(e) for e in search.study.experiments(point)}
        values = [result[objective] for result in results.values()]
        assert row["value"] == statistics.median(values) == results[row["weight_seed"]][objective]


def test_of_two_runs_the_worse_one_counts():
    for objective, worse in (("validation_loss", max), ("validation_accuracy", min)):
        (row,) = conducted(study_of(seeds=2, trials=1, objective=objective)).rows()
        study = study_of(seeds=2, objective=objective)
        runs = study.experiments({name: row[name] for name in study.space})
        assert row["value"] == worse(run_alone(e)[objective] for e in runs)


def test_the_best_trial_is_tested_once_and_its_experiment_repeats_it():
    search = conducted(study_of(seeds=3, trials=3))
    report = search.report()
    best, values = report["best"], [row["value"] for row in report["rows"]]
    assert best["value"] == min(values) == values[best["number"]]
    alone = run_alone(Experiment.model_validate(best["experiment"]))
    assert {name: best[name] for name in alone if name != "seconds"} == {
        name: value for name, value in alone.items() if name != "seconds"
    }
    assert best["test_loss"] == alone["test_loss"]
    assert not [name for row in report["rows"] for name in row if name.startswith("test")]
    kept = [trial.user_attrs[OUTCOME]["result"] for trial in search._optuna.get_trials()]
    assert not [name for result in kept for name in result if name.startswith("test")]


@pytest.mark.parametrize(("sampler", "trials"), [("tpe", 12), ("grid", 6)])
def test_an_interrupted_study_goes_on_as_if_it_had_not_been(sampler, trials, store):
    study = study_of(sampler=sampler, trials=trials)
    report = conducted(study, store=store, after=4).report()
    assert len(report["rows"]) == 4
    assert "test_loss" not in report["best"]  # the test part is looked at when all trials are done
    asked = Search(study, store).ask()  # a process that is killed while it trains the fifth
    assert asked
    assert asked.number == 4
    search = conducted(study, store=store)
    assert rows_of(search) == rows_of(conducted(study))
    assert "test_loss" in search.report()["best"]


def test_runs_that_diverge_or_do_not_fit_are_failed_trials():
    wild = {"learning_rate": [10.0, 0.1], "batch_norm": [True, False], "batch_size": [1, 8]}
    search = conducted(study_of(sampler="grid", trials=8, space=wild, experiment={
        "dataset": "moons", "samples": 40, "hidden": [4], "epochs": 5, "validation_share": 0.3, "activations": "relu",
        "loss": "mse", "output": "linear"}))  # fmt: skip
    report = search.report()
    failed = {tuple(row[name] for name in wild): row["why"] for row in report["rows"] if row["state"] == "failed"}
    assert "batch_size" in failed[0.1, True, 1] or "batch_norm" in failed[0.1, True, 1]
    assert failed[10.0, False, 1].startswith("Diverged at step")
    assert report["trials"]["failed"] == len(failed)
    assert report["best"]["experiment"]["learning_rate"] == 0.1


def test_a_study_without_any_value_has_no_best_trial():
    report = conducted(study_of(space={"batch_norm": [True], "batch_size": [1]}, trials=2, sampler="random")).report()
    assert report["best"] is None
    assert report["trials"] == {"done": 0, "pruned": 0, "failed": 2}


def test_a_trial_worse_than_the_median_is_pruned_as_optuna_does():
    study = study_of(trials=16, sampler="random", pruner="median")
    search = conducted(study)
    full = {trial.number: trial.intermediate_values for trial in conducted(replace(study, pruner="none"))._trials()}
    states = {row["number"]: row["state"] for row in search.rows()}
    assert {"pruned", "done"} == set(states.values())
    judge = optuna.create_study(direction="minimize", pruner=optuna.pruners.MedianPruner())
    for number, reports in full.items():
        trial, state = judge.ask(), "done"
        for epoch in [*reports][:-1]:  # a trial that has ended is not pruned
            trial.report(reports[epoch], epoch)
            if trial.should_prune():
                state = "pruned"
                break
        else:
            trial.report(reports[5], 10)
        assert states[number] == state
        judge.tell(trial, reports[5] if state == "done" else None,
                   TrialState.COMPLETE if state == "done" else TrialState.PRUNED)  # fmt: skip


def test_a_task_that_nobody_waits_for_ends():
    (e,) = study_of().experiments({})
    with pytest.raises(Unwanted):
        run_task(Task((e.to_json(),), "validation_loss", "minimize", 1), is_wanted=iter([True, True, False]).__next__)


def test_a_stop_ends_the_search():
    search, workers, stop = Search(study_of()), Threads(), threading.Event()
    stop.set()
    conduct(search, workers, stop)
    workers.close()
    assert search.rows() == []


def test_trials_are_kept_as_runs_without_test_figures(store):
    search = conducted(study_of(seeds=3, trials=3), store=store)
    runs = store.load(run.id for run in store.find(EVERYONE, parent=f"study:{search.name}").runs)
    assert len(runs) == 3
    for row in search.rows():
        (run,) = (r for r in runs if r.source.endswith(f":{row['number']}"))
        assert (run.last.validation_loss, run.experiment.weight_seed) == (row["value"], row["weight_seed"])
        assert run.last.test_loss is run.last.test_score is None
        assert np.isnan(run.curve.values[1]).all()
        assert run.curve.loss[-1] == np.float32(row["value"])
        assert run.thumbnail.levels.shape == (40, 40)
        assert run.fingerprint == fingerprint(train(run.experiment).trainer)
        assert run.replay.steps == run.steps
    again = conducted(study_of(seeds=3, trials=4), store=store)  # a finished study goes on with a larger budget
    assert again.rows()[:3] == search.rows()[:3]
    assert store.find(EVERYONE).total == 4
    found = optuna.load_study(study_name=search.name, storage=_storage(store))  # as another program opens it
    assert found.best_value <= search.report()["best"]["value"]
    assert [trial.params["hidden"] for trial in found.trials][:3] == [
        ",".join(map(str, row["hidden"])) for row in search.rows()[:3]
    ]
    assert set(found.trials[0].intermediate_values) == set(range(1, 6))


def test_two_owners_have_studies_of_their_own(store):
    first, other = Search(study_of(), store, owner_of("a")), Search(study_of(), store, owner_of("b"))
    assert first.ask()
    assert first.name != other.name
    assert other.finished == len(other.rows()) == 0


def test_how_far_a_study_is_stands_in_the_store_until_it_is_removed(store):
    owner = owner_of("a")
    search = Search(study_of(trials=2), store, owner)
    conduct(search, Threads(), threading.Event())
    (kept,) = store.studies(owner)
    best = search.best()
    assert best
    assert (kept.name, kept.finished, kept.value, kept.is_complete) == (search.name, 2, best["value"], True)
    assert Study.with_notes_from_json(json.dumps(kept.study))[0] == search.study
    store.delete_study(owner, search.name)
    store.old_studies = lambda owner: [search.name]
    remove_old(store, owner, active=[search.name])
    assert Search(search.study, store, owner).finished == 2
    remove_old(store, owner, active=[])
    assert not store.restore_study(owner, search.name)
    assert Search(search.study, store, owner).finished == 0


@pytest.mark.parametrize(
    ("sampler", "pruner", "asked"),
    [("random", "none", 2), ("grid", "none", 2), ("tpe", "none", 1), ("grid", "median", 1)],
)
def test_trials_wait_for_workers_where_nothing_is_learned_from_others(sampler, pruner, asked, monkeypatch):
    monkeypatch.setattr("lab.studies.conduct.CHECK_S", 0)
    stop, submitted = threading.Event(), []

    class Idle:
        slots = spare = 1

        def submit(self, text):
            stop.set()
            submitted.append(text)
            return Future()

        def close(self):
            pass

    conduct(Search(study_of(sampler=sampler, pruner=pruner)), Idle(), stop)
    assert len(submitted) == asked
