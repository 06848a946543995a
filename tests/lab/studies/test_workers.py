"""Processes that train: on this machine and on a Dask cluster."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from data import OWN
from data.files import user_data
from lab.experiment import own_data
from lab.experiment.experiment import ExperimentError
from lab.studies import data_files
from lab.studies.dask_workers import DaskWorkers
from lab.studies.search import Search
from lab.studies.task import Outcome
from lab.studies.workers import MAX_DEATHS, LocalWorkers, WorkerError
from tests.lab.helpers import until
from tests.lab.studies.helpers import conducted, rows_of, study_of

STUDY = study_of(sampler="random", trials=6)


@pytest.fixture(scope="module")
def expected():
    """What one worker without faults finds."""
    return rows_of(conducted(STUDY))


@pytest.fixture(scope="module")
def task():
    asked = Search(STUDY).ask()
    assert asked
    return asked.task.to_text()


@pytest.fixture
def workers():
    workers = LocalWorkers(1)
    yield workers
    workers.close()


def kill(pid):
    os.kill(pid, signal.SIGKILL)


def test_a_killed_process_loses_only_its_trial_which_is_done_again(expected, workers):
    futures = []

    class Killing:
        """Kills the process with its second trial."""

        slots = 1
        close, spare = workers.close, 0

        def submit(self, text):
            futures.append(workers.submit(text))
            if len(futures) == 2:
                kill(workers.processes[0].pid)
            return futures[-1]

    assert rows_of(conducted(STUDY, workers=Killing())) == expected
    assert len(futures) == STUDY.trials + 1  # and the test of the best one


def test_a_trial_that_ends_its_process_again_and_again_fails(task, workers, monkeypatch):
    monkeypatch.setattr("lab.studies.workers._exchange", lambda process, line: "")
    with pytest.raises(WorkerError, match=f"ended {MAX_DEATHS} times"):
        workers.submit(task).result()


def test_closing_ends_processes_in_the_middle_of_a_trial(workers, task):
    future = workers.submit(task)
    until(lambda: workers.processes)
    workers.close()
    assert all(process.poll() is not None for process in workers.processes)
    assert future.exception() or Outcome.from_text(future.result())


def test_a_process_ends_with_its_input(workers, task):
    assert Outcome.from_text(workers.submit(task).result()).state == "done"
    (process,) = workers.processes
    process.stdin.close()
    assert process.wait(60) == 0


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as cluster:
        yield cluster


def test_a_dask_cluster_trains_what_one_process_does_though_a_worker_is_killed(cluster, expected):
    workers = DaskWorkers(cluster.scheduler_address, {})
    until(lambda: workers.slots == 2)
    killed = []

    class Killing:
        close, spare = workers.close, 1

        @property
        def slots(self):
            return workers.slots

        def submit(self, text):
            future = workers.submit(text)
            if not killed:
                killed.extend(workers.pids())
                for pid in killed:
                    kill(pid)
            return future

    assert rows_of(conducted(STUDY, workers=Killing())) == expected
    assert killed


def test_an_own_table_reaches_a_dask_cluster(cluster, tmp_path):
    rows = "".join(f"{i % 7},{i % 5},{'yes' if i % 7 > 3 else 'no'}\n" for i in range(60))
    (tmp_path / "flowers.csv").write_text(f"a,b,species\n{rows}")
    fields, _ = own_data.from_file(tmp_path / "flowers.csv")
    study = study_of(experiment={**fields, "epochs": 3}, trials=2)
    workers = DaskWorkers(cluster.scheduler_address, data_files.collect(study.experiment))
    assert fields["dataset"] in OWN
    assert rows_of(conducted(study, workers=workers)) == rows_of(conducted(study))
    user_data.forget(fields["own"])


def test_the_files_of_pictures_are_found_where_they_are_placed(tmp_path):
    names = [f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
    (tmp_path / "mnist").mkdir()
    for name in [*names, "notes.txt"]:
        (tmp_path / "mnist" / name).write_bytes(name.encode())
    e = study_of(experiment={"dataset": "mnist"}).experiment
    files = data_files.collect(e, str(tmp_path))
    assert files == {f"mnist/{name}": name.encode() for name in names}
    folder = data_files.place(files)
    assert e.source.find
    assert str(e.source.find(Path(folder))) == os.path.join(folder, "mnist")
    assert not data_files.collect(STUDY.experiment)


def test_a_scheduler_with_tls_needs_a_certificate():
    pytest.importorskip("distributed")
    with pytest.raises(ExperimentError, match=r"needs a certificate. Allowed: .* DASK_DISTRIBUTED__COMM__TLS__CA_FILE"):
        DaskWorkers("tls://127.0.0.1:1", {})


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1:1"])
def test_a_scheduler_that_does_not_answer_is_refused(address, monkeypatch):
    monkeypatch.setattr("lab.studies.dask_workers.CONNECT_S", 0.2)
    with pytest.raises(ExperimentError, match=r"^scheduler: .* Allowed: the address of a running Dask scheduler"):
        DaskWorkers(address, {})
