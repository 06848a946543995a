"""Worker processes start, are given up when they cannot, and never outlive the server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from lab.protocol.messages import Play, Step
from lab.server import worker_handle
from lab.server.pool import WorkerPool
from lab.worker.__main__ import NICENESS
from tests.lab.helpers import SMALL, until


def test_runs_are_spread_over_the_workers_and_stop_leaves_no_process():
    workers = WorkerPool(2)
    workers.start()
    for _ in range(4):
        workers.do(workers.open(SMALL, "max"), Play())
    assert sorted(sum(kept.worker is worker for kept in workers.runs.values()) for worker in workers.workers) == [2, 2]
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
    with pytest.raises(RuntimeError, match=r"cannot be started; the server's log says why"):
        workers.open(SMALL)
    assert workers.runs == {}
    assert workers.health()["workers"]["alive"] == 0
    assert capfd.readouterr().err
    monkeypatch.delenv("PYTHONHOME")
    until(lambda: workers.workers[0].alive)
    workers.do(workers.open(SMALL), Step())
    workers.stop()


def no_worker_starts():
    workers = WorkerPool(1)
    workers.start()
    with pytest.raises(RuntimeError, match="cannot be started"):
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
    monkeypatch.setattr(worker_handle, "START_LIMIT", 0.2)
    no_worker_starts()
    assert not any("sleep" in child.name() for child in psutil.Process().children())


def test_nobody_without_the_key_can_give_commands(monkeypatch, tmp_path):
    stranger = tmp_path / "python"
    stranger.write_text(f'#!/bin/sh\nexport LAB_WORKER_KEY={"00" * 32}\nexec {sys.executable} "$@"\n')
    stranger.chmod(0o755)
    monkeypatch.setattr(worker_handle.sys, "executable", str(stranger))
    no_worker_starts()
