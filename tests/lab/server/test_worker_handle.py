"""Worker processes start, are given up when they cannot, and never outlive the server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import psutil
import pytest

from lab.experiment.experiment import Experiment
from lab.protocol.errors import Unreachable
from lab.protocol.messages import CountRuns, GetFrame, Load, Play, RunState, Step
from lab.server import worker_handle
from lab.server.pool import WorkerPool
from lab.server.run_record import RunRecord
from lab.worker.process_bounds import NICENESS
from tests.lab.helpers import LIMIT, SMALL, step, until


def test_runs_are_spread_over_the_workers_and_stop_leaves_no_process():
    workers = WorkerPool(2)
    workers.start()
    for _ in range(4):
        workers.do(workers.open(SMALL, "max"), Play())
    assert sorted(sum(record.worker is worker for record in workers.runs.records()) for worker in workers.workers) == [
        2,
        2,
    ]
    pids = {worker.pid for worker in workers.workers}
    assert len(pids) == 2
    workers.stop()
    assert not any(psutil.pid_exists(pid) for pid in pids)


@pytest.mark.skipif(not hasattr(os, "nice"), reason="this system knows no niceness")
def test_a_worker_lets_the_server_go_first():
    workers = WorkerPool(1)
    workers.start()
    token = workers.open(SMALL, "max")
    assert workers.state(token).status == "idle"
    assert psutil.Process(workers.workers[0].pid).nice() == min(19, psutil.Process().nice() + NICENESS)
    workers.stop()


def test_stop_while_it_starts_leaves_no_process():
    workers = WorkerPool(1)
    workers.start()
    (worker,) = workers.workers
    until(lambda: worker.pid is not None)
    workers.stop()
    assert not psutil.pid_exists(worker.pid)


def test_a_worker_leaves_when_its_server_is_killed(tmp_path):
    script = (
        "import sys, time; from lab.server.pool import WorkerPool; from lab.experiment.experiment import Experiment\n"
        "pool = WorkerPool(1); pool.start(); pool.open(Experiment()); print(pool.workers[0].pid, flush=True)\n"
        "time.sleep(60)"
    )
    root = Path(__file__).parents[3]
    server = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=root)
    assert server.stdout is not None
    pid = int(server.stdout.readline())
    server.kill()
    server.communicate()

    def left():
        return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE

    until(left)


def test_a_worker_that_cannot_start_is_reported_and_tried_again(monkeypatch, capfd):
    monkeypatch.setenv("PYTHONHOME", os.devnull)
    workers = WorkerPool(1)
    workers.start()
    with pytest.raises(Unreachable, match=r"cannot be started; the server's log says why"):
        workers.open(SMALL)
    assert len(workers.runs) == 0
    assert workers.health()["workers"]["alive"] == 0
    assert capfd.readouterr().err
    monkeypatch.delenv("PYTHONHOME")
    until(lambda: workers.workers[0].alive)
    workers.do(workers.open(SMALL), Step())
    workers.stop()


def no_worker_starts():
    workers = WorkerPool(1)
    workers.start()
    with pytest.raises(Unreachable, match="cannot be started"):
        workers.open(SMALL)
    workers.stop()


def test_a_program_that_is_missing_is_reported(monkeypatch):
    monkeypatch.setattr(worker_handle.sys, "executable", "/nowhere/python")
    no_worker_starts()


def test_a_worker_that_never_connects_is_given_up(monkeypatch, tmp_path):
    sleeper = tmp_path / "python"
    sleeper.write_text("#!/bin/sh\nexec sleep 100\n")
    sleeper.chmod(0o755)
    monkeypatch.setattr(worker_handle.sys, "executable", str(sleeper))
    monkeypatch.setattr(worker_handle, "START_LIMIT_S", 0.2)
    no_worker_starts()
    assert not any("sleep" in child.name() for child in psutil.Process().children())


def test_nobody_without_the_key_can_give_commands(monkeypatch, tmp_path):
    stranger = tmp_path / "python"
    stranger.write_text(f'#!/bin/sh\nexport LAB_WORKER_KEY={"00" * 32}\nexec {sys.executable} "$@"\n')
    stranger.chmod(0o755)
    monkeypatch.setattr(worker_handle.sys, "executable", str(stranger))
    no_worker_starts()


# A process that does not read -----------------------------------------------------------------------------------------


@pytest.fixture
def stopped():
    """A pool whose first worker stands still; its second one works."""
    workers = WorkerPool(2)
    workers.limits.hang_seconds = 3600.0
    workers.start()
    for worker in workers.workers:
        worker.wait(LIMIT)
    os.kill(workers.workers[0].pid, signal.SIGSTOP)
    yield workers
    os.kill(workers.workers[0].pid, signal.SIGCONT)
    workers.stop()


def in_time(act):
    """Fail where `act` waits for the process that stands still."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(LIMIT)
    assert not thread.is_alive(), "it waits"


def test_an_upload_to_a_worker_that_does_not_read_stops_nobody(stopped):
    asleep, awake = stopped.workers
    upload, answers = {"x": np.zeros(60_000_000, np.uint8)}, []

    def press():
        answers.append(asleep.submit("a", Load({}, SMALL), upload))
        answers.append(asleep.submit("a", GetFrame()))
        answers.append(awake.submit("", CountRuns()))

    in_time(press)
    assert answers[2].result(LIMIT).header == {"running": 0, "paused": 0}
    os.kill(asleep.pid, signal.SIGCONT)
    assert [answer.result(LIMIT).error for answer in answers[:2]] == ["gone", "gone"]  # in their order, none is lost


def test_more_than_a_worker_can_take_is_refused_with_a_sentence(stopped, monkeypatch):
    monkeypatch.setattr("lab.server.outbox.MAX_BACKLOG_BYTES", 1_000_000)
    asleep, _ = stopped.workers
    upload = {"x": np.zeros(900_000, np.uint8)}
    first, second = (asleep.submit("a", Load({}, SMALL), upload) for _ in range(2))
    assert "is busy" in second.result(LIMIT).sentence
    os.kill(asleep.pid, signal.SIGCONT)
    assert first.result(LIMIT).error == "gone"


def test_a_worker_with_many_large_runs_gets_them_all_back():
    """Both sides have more to say than fits into the connection: whoever only sent would wait for ever."""
    workers = WorkerPool(1)
    workers.start()
    experiment = Experiment(samples=40, hidden=(150, 100), optimizer="adam")
    tokens = [workers.open(experiment.change(seed=seed)) for seed in range(1, 41)]
    for token in tokens:
        step(workers, token)
    until(lambda: all(workers.runs[token].checkpoint.state.epoch == 1 for token in tokens))
    os.kill(workers.workers[0].pid, signal.SIGKILL)
    until(lambda: workers.workers[0].restarts == 1 and workers.workers[0].alive)
    in_time(lambda: [workers.state(token) for token in tokens])
    assert {workers.state(token).epoch for token in tokens} == {1}
    workers.stop()


def test_a_press_during_a_hang_is_answered_with_a_sentence(monkeypatch):
    monkeypatch.setattr(WorkerPool, "patience", 0.05)
    workers = WorkerPool(1)
    workers.workers = [SilentWorker()]
    for act in (lambda: workers.open(SMALL), lambda: workers.do("a", Step()), lambda: workers.ask("a", "curves")):
        workers.runs.add("a", RunRecord(workers.workers[0], RunState(SMALL)))
        with pytest.raises(Unreachable, match="does not answer"):
            act()
    assert [name for name, _ in workers.runs.items()] == ["a"]  # what was not opened takes no slot


class SilentWorker:
    restarts = 0

    def wait(self, seconds):
        pass

    def submit(self, run, command, arrays=None):
        return Future()
