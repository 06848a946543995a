"""Runs in a real worker process: they survive its death, and nothing a visitor does can take it down."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lab.experiment.experiment import ExperimentError
from lab.protocol.errors import Gone
from lab.protocol.frames import unpack
from lab.protocol.messages import Change, Close, GetFrame, GetState, Pause, Play, Reset, SetSpeed
from lab.server.pool import WorkerPool
from lab.training.build import build
from lab.worker.local_pool import LocalPool
from tests.lab.helpers import LIMIT, SMALL, brief, step, until


@pytest.fixture(scope="module")
def pool():
    workers = WorkerPool(1)
    workers.start()
    yield workers
    workers.stop()


@pytest.fixture
def token(pool):
    name = pool.open(SMALL, "epoch")
    yield name
    if pool.back(name):
        pool.close(name)


def look(pool, token, **request):
    return unpack(pool.frame(token, GetFrame(**request)))


def saved_epoch(pool, token):
    """Of the last checkpoint."""
    checkpoint = pool.runs[token].checkpoint
    return checkpoint.state.epoch if checkpoint else 0


def kill(pool):
    os.kill(pool.workers[0].pid, signal.SIGKILL)


def test_a_run_from_opening_to_closing(pool, token):
    assert brief(pool, token) == ("idle", "", 0)
    step(pool, token)
    assert brief(pool, token) == ("paused", "", 1)
    pool.do(token, Play())
    until(lambda: look(pool, token)[0]["epoch"] >= 4)
    pool.do(token, Pause())
    header, arrays = look(pool, token)
    assert header["status"] == "paused"
    assert arrays["map"].shape == (100, 100)
    pool.do(token, Change(SMALL.change(learning_rate=0.5)))
    assert look(pool, token)[0]["learning_rate"] == 0.5
    assert pool.state(token).epoch == header["epoch"]
    pool.do(token, SetSpeed("fast"))
    pool.do(token, Change(SMALL.change(hidden=(5, 5))))
    assert brief(pool, token) == ("idle", "", 0)
    step(pool, token)
    pool.do(token, Reset())
    assert pool.state(token).epoch == 0
    pool.close(token)
    with pytest.raises(Gone):
        pool.state(token)


@pytest.mark.parametrize("command", [Play(), Pause(), Reset(), GetState(), GetFrame(), Close()], ids=repr)
def test_an_unknown_run_is_gone(command, pool):
    for runs in (pool, LocalPool()):
        with pytest.raises(Gone):
            runs.do("nobody", command)


def test_tokens_cannot_be_guessed(pool):
    tokens = [pool.open(SMALL) for _ in range(3)]
    assert len(set(tokens)) == 3
    assert all(len(token) >= 20 for token in tokens)
    for token in tokens:
        pool.close(token)


def test_what_cannot_be_built_is_refused_and_leaves_nothing_behind(pool, token):
    elsewhere = SMALL.change(device="cuda:7")
    before = pool.runs.items()
    with pytest.raises(ExperimentError, match="cuda:7 cannot be used here"):
        pool.open(elsewhere)
    assert pool.runs.items() == before
    with pytest.raises(ExperimentError, match="cuda:7 cannot be used here"):
        pool.do(token, Change(elsewhere))
    assert pool.runs[token].state.experiment == pool.runs[token].wanted == SMALL  # what a restart would build
    step(pool, token)
    assert pool.state(token).epoch == 1


def test_an_unknown_speed_is_refused(pool, token):
    with pytest.raises(ValueError, match="allowed: one of slow"):
        SetSpeed("warp")
    assert pool.runs[token].state.speed == "epoch"


def test_a_visitor_who_leaves_while_a_frame_is_drawn_hurts_nobody(pool, token):
    for _ in range(20):
        pool.submit(token, GetFrame()).cancel()
    assert pool.state(token).status == "idle"
    assert pool.workers[0].restarts == 0


def test_many_visitors_at_once_each_get_their_own_run(pool):
    def visit(number):
        token = pool.open(SMALL.change(seed=number))
        for _ in range(number):
            step(pool, token)
        header, arrays = look(pool, token)
        pool.close(token)
        return header["epoch"], arrays["history"]

    with ThreadPoolExecutor(8) as visitors:
        results = list(visitors.map(visit, range(1, 9)))
    assert [epoch for epoch, _ in results] == list(range(1, 9))
    assert len({values[0, 0] for _, values in results}) == 8


def test_a_pool_in_this_process_gives_the_same_answers(pool):
    local, results = LocalPool(), []
    for runs in (pool, local):
        token = runs.open(SMALL.change(dropout=0.2, optimizer="adam"), "epoch")
        for _ in range(3):
            step(runs, token)
        runs.do(token, Change(SMALL.change(dropout=0.2, optimizer="adam", learning_rate=0.2)))
        step(runs, token)
        header, arrays = look(runs, token)
        results.append((brief(runs, token), header, arrays))
        runs.close(token)
    (status, header, arrays), (local_status, local_header, local_arrays) = results
    changing = dict.fromkeys(("build", "seconds", "epoch_ms", "history"))
    assert status == local_status
    assert header | changing == local_header | changing
    assert arrays.keys() == local_arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, local_arrays[name], err_msg=name)


def test_a_pool_in_this_process_trains_while_a_frame_is_asked_for():
    local = LocalPool(seconds_per_frame=60.0)  # a frame pays for one epoch, which ends the training before
    token = local.open(SMALL, "epoch")
    local.do(token, Play())
    for epoch in (1, 2, 3):
        assert look(local, token)[0]["epoch"] == epoch


def test_runs_of_visitors_who_stay_away_are_freed(pool):
    gone, back, here = (pool.open(SMALL) for _ in range(3))
    now = pool.clock()
    pool.away(gone, now)
    pool.away(back, now)
    pool.sweep(now + 50, grace=60.0)
    assert all(token in pool.runs for token in (gone, back, here))
    assert pool.back(back)
    pool.sweep(now + 61, grace=60.0)
    assert not pool.back(gone)
    with pytest.raises(Gone):
        pool.state(gone)
    for token in (back, here):
        assert pool.state(token).status == "idle"
        pool.close(token)
    until(lambda: pool.health()["trainers"] == {"running": 0, "paused": 0})


def test_a_visitor_who_reloads_continues_the_run_that_was_left(pool):
    token = pool.open(SMALL, visitor="ann")
    step(pool, token)
    other = pool.open(SMALL, visitor="ann")  # a second tab
    assert other != token
    pool.away(token, pool.clock())
    assert pool.open(SMALL, visitor="bob") not in (token, other)
    assert pool.open(SMALL.change(seed=9), visitor="ann") not in (token, other)
    assert pool.open(SMALL, visitor="ann") == token
    assert (pool.back(token), pool.state(token).epoch) == (True, 1)
    assert pool.open(SMALL, visitor="ann") not in (token, other)
    for each, _ in pool.runs.items():
        pool.close(each)


def test_health_counts_workers_and_runs(pool, token):
    other = pool.open(SMALL, "epoch")
    pool.do(other, Play())
    until(lambda: pool.health()["trainers"] == {"running": 1, "paused": 1})
    assert pool.health()["workers"]["alive"] == 1
    pool.close(other)


# The worker dies -----------------------------------------------------------------------------------------------------


def test_a_run_goes_on_when_the_worker_is_killed_right_after_a_live_change(pool, token):
    pool.do(token, Play())

    def kept():
        look(pool, token)  # pays for another epoch
        return saved_epoch(pool, token) > 0

    until(kept)
    restarts, checkpoint, seen = pool.workers[0].restarts, saved_epoch(pool, token), look(pool, token)[0]
    last = seen["epoch"] + 20
    pool.do(token, Change(SMALL.change(epochs=last)))
    kill(pool)
    header = look(pool, token, build=seen["build"])[0]  # waits for the restart
    assert pool.workers[0].restarts == restarts + 1
    assert header["status"] == "running"
    assert header["epoch"] >= checkpoint
    assert header["notice"].startswith("The training process stopped and was restarted")
    assert header["build"] != seen["build"]  # so the page takes nothing for what it has
    until(lambda: look(pool, token)[0]["status"] == "stopped")
    header, arrays = look(pool, token)
    assert (header["epoch"], header["notice"]) == (last, f"Stopped after {last} epochs.")
    trainer = build(SMALL).trainer
    for _ in range(last):
        trainer.epoch()
    np.testing.assert_array_equal(arrays["history"], trainer.history.values)  # not a bit was lost


def test_another_network_right_before_the_kill_is_what_comes_back(pool, token):
    step(pool, token)
    pool.do(token, Play())
    seen = look(pool, token)[0]
    pool.do(token, Change(SMALL.change(dataset="iris", hidden=(7,))))
    kill(pool)
    header, _ = look(pool, token, build=seen["build"], frame=seen["frame"])
    assert (header["status"], header["epoch"], header["inputs"]) == ("idle", 0, 4)


def test_idle_runs_come_back_idle_and_closed_ones_do_not(pool, token):
    closed, restarts = pool.open(SMALL), pool.workers[0].restarts
    pool.close(closed)
    kill(pool)

    def answer():
        return pool.submit(token, GetFrame()).result(LIMIT).error

    until(lambda: answer() == "lost" or pool.workers[0].restarts > restarts)  # what the socket is told
    header, arrays = look(pool, token)
    assert (header["status"], header["epoch"]) == ("idle", 0)
    assert "points_train" in arrays
    until(lambda: pool.health()["trainers"] == {"running": 0, "paused": 1})


def test_commands_in_the_middle_of_a_restart_wait_for_it(pool, token):
    kill(pool)
    pool.do(token, Change(SMALL.change(l2=0.1)))
    other = pool.open(SMALL)
    step(pool, token)
    assert pool.state(token).epoch == 1
    assert pool.state(other).status == "idle"
    kill(pool)
    pool.close(other)
    with pytest.raises(Gone):
        pool.state(other)
    assert pool.runs[token].state.experiment.l2 == 0.1
