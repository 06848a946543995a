"""A worker process is killed again and again, with few runs and with many: all come back, and none is another's."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import numpy as np

from lab.experiment.experiment import Experiment
from lab.experiment.group import Group
from lab.protocol.frames import unpack
from lab.protocol.messages import GROUP, Play, Step
from lab.server.pool import WorkerPool
from lab.training.build import build
from tests.lab.helpers import LIMIT, SMALL, until

DIGITS = Experiment(dataset="digits", hidden=(64,), optimizer="adam")
SIZES = (SMALL, SMALL.change(hidden=(150, 100), optimizer="adam"), SMALL, SMALL.change(hidden=(8, 8)), SMALL)


def experiment(number: int) -> Experiment:
    return (DIGITS if number % 10 == 9 else SIZES[number % 5]).change(seed=number + 1)


def seen(pool: WorkerPool, token: str) -> tuple[Any, ...]:
    """What tells one trained network from another."""
    reply = pool.do(token, Step()) if pool.runs[token].state.epoch == 0 else None
    if reply and reply.state and reply.state.status == "running":
        until(lambda: pool.state(token).status != "running")
    header, _ = unpack(pool.frame(token))
    return pool.state(token).experiment, header["epoch"], header["train_loss"]


def all_seen(pool: WorkerPool, tokens: list[str]) -> dict[str, tuple[Any, ...]]:
    """Fails where a conversation with the worker does not end."""
    found = {}
    thread = threading.Thread(target=lambda: found.update({token: seen(pool, token) for token in tokens}), daemon=True)
    thread.start()
    thread.join(LIMIT)
    assert not thread.is_alive(), "the worker does not answer"
    return found


def wait_for_checkpoints(pool: WorkerPool) -> None:
    until(lambda: all(record.checkpoint and record.checkpoint.state.epoch == 1 for record in pool.runs.records()))


def kill(pool: WorkerPool) -> None:
    """Kill the worker; it takes commands again when this returns."""
    (worker,) = pool.workers
    restarts = worker.restarts
    os.kill(worker.pid, signal.SIGKILL)
    until(lambda: worker.restarts == restarts + 1 and worker.alive)


def test_all_runs_come_back_however_often_their_worker_is_killed():
    pool = WorkerPool(1)
    pool.limits.deaths = 100  # whichever run the process was busy with
    pool.limits.runs = 200
    pool.start()
    tokens = []
    for count in (10, 40):
        tokens += [pool.open(experiment(number), "max") for number in range(len(tokens), count)]
        expected = all_seen(pool, tokens)
        assert [expected[token][:2] for token in tokens] == [(experiment(number), 1) for number in range(count)]
        wait_for_checkpoints(pool)
        kill(pool)
        kill(pool)  # while it sends the runs
        assert all_seen(pool, tokens) == expected
    for token in tokens[:10]:
        pool.do(token, Play())
    kill(pool)
    found = all_seen(pool, tokens)
    assert [found[token][0] for token in tokens] == [experiment(number) for number in range(40)]
    assert all(found[token] == expected[token] for token in tokens[10:])
    pool.stop()


def test_a_group_goes_on_where_it_was_when_its_worker_is_killed():
    pool = WorkerPool(1)
    pool.start()
    token = pool.open(SMALL)
    group = Group(SMALL, seeds=100, epochs=100)
    losses = np.empty((0, 101))

    def asked() -> dict[str, Any]:
        nonlocal losses
        header, arrays = pool.ask(token, GROUP, {"group": group.to_json(), "start": len(losses)})
        losses = np.concatenate([losses, arrays["losses"]]) if arrays else losses
        return header

    until(lambda: bool(asked()["status"]))
    known = len(losses)
    assert known < 100
    os.kill(pool.workers[0].pid, signal.SIGKILL)  # the page asks on, while the worker is restarted and after it
    until(lambda: asked()["finished"] and len(losses) == 100)
    trainer = build(group.members[75].experiment).trainer
    trainer.wait_for_compiler()
    trainer.run_for(np.inf, epochs=100)
    np.testing.assert_array_equal(losses[75], trainer.history.values[1])
    assert pool.state(token).status == "idle"
    pool.stop()
