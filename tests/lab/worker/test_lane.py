"""A run whose pieces of work take long has a thread of its own: the others train and are answered meanwhile."""

from __future__ import annotations

import threading
from math import inf
from multiprocessing import Pipe

import pytest

from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.recipes import RECIPES
from lab.experiment.work_estimate import seconds_of_building, seconds_of_training
from lab.protocol.frames import unpack
from lab.protocol.messages import Change, Checkpoint, Close, CountRuns, GetFrame, Open, Play, Reply, Step
from lab.protocol.wire import GOODBYE, decode_from_worker, encode_command
from lab.server.admission import check_visitor_limits
from lab.server.limits import limits
from lab.training.run import Run
from lab.worker import lane
from lab.worker.scheduler import COMMANDS_A_ROUND, Scheduler
from tests.lab.helpers import until

SMALL = Experiment(samples=40, hidden=(4,))
LONG = SMALL.change(hidden=(7,))  # said to take long
HEAVY = Experiment(samples=20_000, hidden=(256, 256), batch_size=0)


class Worker:
    """A scheduler in a thread, at the other end of a connection."""

    def __init__(self) -> None:
        self.connection, other = Pipe()
        self.scheduler = Scheduler()
        self.thread = threading.Thread(target=self._serve, args=[other])
        self.thread.start()
        self.sent, self.replies, self.checkpoints = 0, {}, []

    def _serve(self, connection) -> None:
        with pytest.raises(EOFError):
            self.scheduler.serve(connection)

    def send(self, run, command) -> int:
        self.sent += 1
        self.connection.send_bytes(encode_command(self.sent, run, command))
        return self.sent

    def reply(self, number) -> Reply:
        while number not in self.replies:
            assert self.connection.poll(30), "no reply"
            match decode_from_worker(self.connection.recv_bytes()):
                case Checkpoint() as checkpoint:
                    self.checkpoints.append(checkpoint)
                case found, reply:
                    self.replies[found] = reply
        return self.replies.pop(number)

    def ask(self, run, command) -> Reply:
        return self.reply(self.send(run, command)).checked()


@pytest.fixture
def worker(monkeypatch):
    monkeypatch.setattr("lab.training.run.STEP_BUDGET_S", inf)  # or a busy machine replies before the epoch has ended
    worker = Worker()
    yield worker
    worker.connection.send_bytes(GOODBYE)
    worker.thread.join(30)
    assert not worker.thread.is_alive()


@pytest.fixture
def gate(monkeypatch):
    """LONG takes long; its training and frames wait until the gate is open."""
    gate = threading.Event()
    advance, frame = Run.advance, Run.frame

    def slow(function):
        def call(self, *words):
            if self.experiment.hidden == LONG.hidden:
                assert gate.wait(30)
            return function(self, *words)

        return call

    monkeypatch.setattr(Run, "advance", slow(advance))
    monkeypatch.setattr(Run, "frame", slow(frame))
    for module in ("lane", "scheduler"):
        monkeypatch.setattr(f"lab.worker.{module}.trains_long", lambda e: e.hidden == LONG.hidden)
    yield gate
    gate.set()


def test_others_train_and_are_answered_while_a_long_run_works(worker, gate):
    worker.ask("other", Open(SMALL, "max"))
    worker.ask("long", Open(LONG, "max"))
    worker.ask("other", Play())
    worker.ask("long", Play())
    waiting = worker.send("long", GetFrame())
    epochs = [worker.ask("other", GetFrame()).state.epoch for _ in range(2 * COMMANDS_A_ROUND)]
    assert epochs[-1] > epochs[0]
    assert worker.ask("", CountRuns()).header == {"running": 2, "paused": 0}
    assert waiting not in worker.replies
    assert worker.scheduler.lanes.keys() == {"long"}
    gate.set()
    assert unpack(worker.reply(waiting).checked().arrays["frame"].tobytes())[0]["status"] == "running"


def test_a_long_run_trains_and_sends_checkpoints(worker, gate):
    gate.set()
    worker.ask("long", Open(LONG, "max"))
    worker.ask("long", Play())
    while not any(checkpoint.state.epoch > 0 for checkpoint in worker.checkpoints):
        worker.ask("long", GetFrame())
    assert {checkpoint.run for checkpoint in worker.checkpoints} == {"long"}


def test_commands_keep_their_order_on_the_way_into_a_lane_and_out_of_it(worker, gate):
    gate.set()
    worker.ask("a", Open(SMALL))
    numbers = [worker.send("a", command) for command in (Step(), Change(LONG), Step(), Step(), Change(SMALL), Step())]
    assert [worker.reply(number).checked().state.epoch for number in numbers] == [1, 0, 1, 2, 0, 1]
    while worker.scheduler.lanes:  # it leaves after its last command
        worker.ask("a", GetFrame())
    assert worker.ask("a", Step()).state.epoch == 2


def test_a_lane_ends_with_its_run(worker, gate):
    worker.ask("long", Open(LONG))
    threads = threading.active_count()
    worker.ask("long", Close())
    while worker.scheduler.lanes:
        worker.ask("", CountRuns())
    assert worker.ask("", CountRuns()).header == {"running": 0, "paused": 0}
    assert threading.active_count() <= threads


def test_a_large_run_learns_in_its_lane_as_elsewhere(worker):
    assert lane.trains_long(HEAVY)
    run = Run(HEAVY)
    run.step_batch()
    frame, _ = unpack(run.frame())
    worker.ask("a", Open(HEAVY))
    worker.ask("a", Step())
    other, _ = unpack(worker.ask("a", GetFrame()).arrays["frame"].tobytes())
    assert other["train_loss"] == frame["train_loss"]


# Estimates ------------------------------------------------------------------------------------------------------------


def test_the_estimate_grows_with_everything_that_takes_time():
    base = Experiment(samples=1000, hidden=(64, 64), features=("x1", "x2"))
    for fields in ({"hidden": (640, 640)}, {"batch_size": 8000, "samples": 20_000}, {"dtype": "float64"}):
        assert seconds_of_training(base.change(**fields)) > 1.5 * seconds_of_training(base)
    assert seconds_of_building(base.change(samples=50_000)) > 10 * seconds_of_building(base)


def test_usual_experiments_are_in_no_lane():
    for experiment in (Experiment(), Experiment(hidden=(8,) * 6), Experiment(dataset="digits", hidden=(64,))):
        assert not lane.needs_lane(Open(experiment))


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.experiment.dataset)
def test_every_recipe_is_admitted(recipe):
    check_visitor_limits(limits({}), recipe.experiment)


def test_a_step_of_many_seconds_is_refused_with_a_sentence():
    largest = Experiment(samples=100_000, hidden=(1024, 1024), batch_size=0, dtype="float64")
    bounds = limits({"PLAYGROUND_RUN_MB": "10000"})
    with pytest.raises(ExperimentError, match=r"this takes about [\d,]+ s; allowed: at most 3 s; a smaller batch"):
        check_visitor_limits(bounds, largest)
    check_visitor_limits(bounds, largest.change(batch_size=100, samples=1000))


def test_a_lane_answers_while_its_compiler_works(worker, gate, monkeypatch):
    gate.set()
    is_ready = threading.Event()
    monkeypatch.setattr(Run, "is_ready", lambda run: is_ready.is_set())
    worker.ask("a", Open(LONG, "max"))
    worker.ask("a", Play())
    assert worker.ask("a", GetFrame()).state.epoch == 0
    is_ready.set()
    until(lambda: worker.ask("a", GetFrame()).state.epoch > 0)
