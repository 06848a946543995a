"""Many runs in one process: everyone gets a turn, and what goes wrong with one of them stays with it."""

from __future__ import annotations

import platform
import threading
import time
from multiprocessing import Pipe

import numpy as np
import psutil
import pytest

from engine.c import compiler, executor
from lab.experiment.experiment import Experiment
from lab.protocol.frames import unpack
from lab.protocol.messages import (
    Change,
    Checkpoint,
    Close,
    CountRuns,
    Edit,
    GetFrame,
    GetState,
    Load,
    Open,
    Pause,
    Play,
    Preview,
    Query,
    Reset,
    Resume,
    RunState,
    SetSpeed,
    Step,
    StepBatch,
)
from lab.protocol.wire import GOODBYE, decode_from_worker, encode_command
from lab.worker.scheduler import CHECKPOINT_EVERY_S, COMPILING_S, NO_MEMORY, Scheduler
from tests.lab.helpers import until

SMALL = Experiment(samples=40, hidden=(4,))


@pytest.fixture
def scheduler():
    return Scheduler()


class Busy(threading.Event):
    """Nobody's turn comes before it is set."""

    def __enter__(self):
        self.wait(60)

    def __exit__(self, *problem):
        pass


@pytest.fixture
def compiling(monkeypatch):
    """A compiler that works until it is set."""
    try:
        compiler.compiler()
    except compiler.NoCompiler as problem:
        pytest.skip(str(problem))
    monkeypatch.setenv(compiler.SWITCH_VARIABLE, "on")
    monkeypatch.setattr(executor, "FIRST_STEP_WAIT_S", np.inf)
    busy = Busy()
    monkeypatch.setattr(executor.Build, "turn", busy)
    yield busy
    busy.set()


def do(scheduler, command, run="a", arrays=None):
    """What a command that goes well is answered with."""
    reply = scheduler.answer(run, command, arrays)
    assert (reply.error, reply.sentence) == ("", "")
    return reply


def begin(scheduler, *names, speed="max", experiment=SMALL):
    for name in names:
        do(scheduler, Open(experiment, speed), name)
        do(scheduler, Play(), name)


def state(scheduler, run="a"):
    return do(scheduler, GetState(), run).state


def test_the_commands_do_what_they_say(scheduler):
    assert do(scheduler, Open(SMALL)).state.status == "idle"
    assert do(scheduler, Step()).state.epoch == 1
    assert do(scheduler, Play()).state.status == "running"
    assert do(scheduler, Pause()).state.status == "paused"
    assert do(scheduler, SetSpeed("fast")).state.speed == "fast"
    assert do(scheduler, Change(SMALL.change(learning_rate=1))).state.experiment.learning_rate == 1
    assert scheduler.runs["a"].trainer.settings.learning_rate == 1
    assert unpack(do(scheduler, GetFrame()).arrays["frame"].tobytes())[0]["epoch"] == 1
    assert do(scheduler, Reset()).state.epoch == 0
    assert do(scheduler, Close()).state is None
    assert scheduler.runs == {}


@pytest.mark.parametrize(
    "command",
    [Play(), Pause(), Step(), StepBatch(), Reset(), Close(), SetSpeed("max"), Change(SMALL), Edit(0, 0, 0, 1.0),
     Load({}, SMALL), GetState(), GetFrame(), Query("curves", {})],
    ids=lambda command: type(command).__name__,
)  # fmt: skip
def test_an_unknown_run_is_gone(command, scheduler):
    assert scheduler.answer("nobody", command).error == "gone"


def test_a_command_that_the_server_should_have_resolved_is_refused(scheduler):
    begin(scheduler, "a")
    assert scheduler.answer("a", Preview("l1", 0.5)).error == "refused"


def test_the_origin_changes_with_the_network_and_not_with_training(scheduler):
    origins = [do(scheduler, command).state.origin for command in (
        Open(SMALL), Step(), Change(SMALL.change(l1=0.1)), Reset(), Change(SMALL.change(hidden=(3,))))]  # fmt: skip
    assert origins[0] == origins[1] == origins[2]
    assert len(set(origins[2:])) == 3


def test_a_long_step_ends_after_its_epoch_also_in_another_process(scheduler, monkeypatch):
    monkeypatch.setattr("lab.training.run.STEP_BUDGET_S", 0.0)
    do(scheduler, Open(SMALL))
    before = do(scheduler, Step()).state
    assert (before.status, before.until) == ("running", 1)
    other = Scheduler()
    do(other, Resume(before), arrays=scheduler.runs["a"].checkpoint())
    do(other, GetFrame())
    while other.work(0.001):
        pass
    assert (state(other).status, state(other).epoch) == ("paused", 1)


def test_everyone_gets_a_turn_in_each_round(scheduler):
    names = [f"run {number}" for number in range(30)]
    begin(scheduler, *names)
    for _ in range(4):
        assert scheduler.work(0)
    steps = [scheduler.runs[name].trainer.steps for name in names]
    assert steps == [4] * 30


def test_nobody_waits_for_the_compiler_of_another_run(scheduler, compiling):
    in_parts = SMALL.change(dataset="digits", samples=1500, hidden=(1024,), batch_size=0, train_share=0.9)
    begin(scheduler, "on the tape", experiment=in_parts)
    begin(scheduler, "compiled")
    waits = []
    for _ in range(3):
        assert scheduler.work(0, waits.append)
    assert scheduler.runs["on the tape"].trainer.steps == 3
    run = scheduler.runs["compiled"]
    assert run.trainer.steps == 0
    do(scheduler, Pause(), "on the tape")
    assert scheduler.work(0, waits.append)
    assert waits == [0] * 7 + [COMPILING_S]
    compiling.set()
    until(lambda: do(scheduler, GetFrame(), "compiled") and scheduler.work(0) and run.trainer.steps > 0)
    assert run.trainer.executor.way == "compiled"


@pytest.mark.parametrize(("press", "done"), [(Step(), (1, 3)), (StepBatch(), (0, 1))], ids=str)
def test_steps_pressed_while_the_compiler_works_are_taken_later(press, done, scheduler, compiling):
    do(scheduler, Open(SMALL))
    assert do(scheduler, press).state.status == "running"
    trainer = scheduler.runs["a"].trainer
    assert trainer.steps == 0
    compiling.set()
    until(lambda: do(scheduler, GetFrame()) and not scheduler.work())
    assert (trainer.epochs, trainer.steps) == done
    assert state(scheduler).status == "paused"


def test_commands_between_two_slices_count_at_once(scheduler):
    begin(scheduler, "a", "b", "c")
    asked = []

    def between(wait):
        asked.append(len(scheduler.runs))
        if len(asked) == 1:
            do(scheduler, Pause(), "b")
            do(scheduler, Close(), "c")

    a, b, c = (scheduler.runs[name].trainer for name in "abc")
    assert scheduler.work(0, between)
    assert [trainer.steps for trainer in (a, b, c)] == [1, 0, 0]
    assert asked == [3, 2, 2]


def test_there_is_nothing_to_do_when_nobody_runs(scheduler):
    assert not scheduler.work()
    begin(scheduler, "a")
    do(scheduler, Pause())
    assert not scheduler.work()


def test_a_failing_command_hurts_nobody_else(scheduler):
    begin(scheduler, "a", "b")
    for name, command in (("c", Open(SMALL.change(device="cuda:7"))), ("a", Change(SMALL.change(device="cuda:7")))):
        reply = scheduler.answer(name, command)
        assert reply.error == "refused"
        assert "cannot be used here" in reply.sentence
    assert list(scheduler.runs) == ["a", "b"]
    scheduler.work(1e-6)
    assert all(run.trainer.steps == 1 for run in scheduler.runs.values())


def test_a_fault_while_training_ends_that_run_only(scheduler, monkeypatch, capsys):
    begin(scheduler, "a", "b")

    def fault(seconds):
        raise ArithmeticError

    monkeypatch.setattr(scheduler.runs["a"], "advance", fault)
    for _ in range(3):
        scheduler.work(1e-6)
    assert (state(scheduler).status, state(scheduler).notice) == ("stopped", "Training failed (ArithmeticError).")
    assert scheduler.runs["b"].trainer.steps == 3
    assert capsys.readouterr().err.count("Traceback") == 1


def test_memory_that_runs_out_ends_one_run_with_a_sentence_that_says_what_to_do(scheduler, monkeypatch):
    begin(scheduler, "a", "b")

    def fault(*_):
        raise MemoryError

    monkeypatch.setattr(scheduler.runs["a"], "advance", fault)
    scheduler.work(1e-6)
    assert (state(scheduler).status, state(scheduler).notice) == ("stopped", NO_MEMORY)
    assert scheduler.runs["b"].trainer.steps == 1
    monkeypatch.setattr(scheduler.runs["b"], "change", fault)
    reply = scheduler.answer("b", Change(SMALL))
    assert (reply.error, reply.sentence) == ("refused", NO_MEMORY)
    monkeypatch.setattr(scheduler.runs["a"], "checkpoint", fault)
    scheduler.checkpoints(0)  # one that cannot be taken hurts nobody either


def test_what_was_done_by_hand_while_paused_is_in_the_next_checkpoint(scheduler):
    begin(scheduler, "a", speed="epoch")
    do(scheduler, Step())
    scheduler.checkpoints(0)
    do(scheduler, Edit(0, 0, 0, 7.0))
    (checkpoint,) = scheduler.checkpoints(100)
    assert checkpoint.state.status == "paused"
    assert 7.0 in checkpoint.arrays["parameters"]


def test_whose_turn_it_is_can_be_seen_from_outside():
    seen = []
    scheduler = Scheduler(seen.append)
    begin(scheduler, "a", "b")
    del seen[:]
    scheduler.work(1e-6)
    assert seen == ["a", "b"]


def test_a_fault_is_an_answer_and_a_line_in_the_log(scheduler, monkeypatch, capsys):
    begin(scheduler, "a")
    monkeypatch.setattr(scheduler.runs["a"], "step", lambda: {}["lost"])
    reply = scheduler.answer("a", Step())
    assert (reply.error, reply.sentence) == ("failed", "The command failed (KeyError).")
    assert "KeyError: 'lost'" in capsys.readouterr().err


def test_checkpoints_are_due_only_after_progress(scheduler):
    def due(now):
        return [checkpoint.run for checkpoint in scheduler.checkpoints(now)]

    begin(scheduler, "a", "b", speed="epoch")
    assert due(0) == ["a", "b"]
    assert due(100) == []
    do(scheduler, Step())
    assert due(CHECKPOINT_EVERY_S / 2) == []  # too soon
    (checkpoint,) = scheduler.checkpoints(200)
    assert (checkpoint.run, checkpoint.state) == ("a", state(scheduler))
    np.testing.assert_array_equal(checkpoint.arrays["parameters"], scheduler.runs["a"].trainer.network.parameters)
    assert due(300) == []
    do(scheduler, Close())
    begin(scheduler, "a")
    assert due(300) == ["a"]


def test_of_a_diverged_run_only_the_state_is_sent(scheduler):
    experiment = SMALL.change(dataset="plane", hidden=(8, 8), activations="relu", learning_rate=10.0)
    begin(scheduler, "a", experiment=experiment)
    while scheduler.runs["a"].status == "running":
        scheduler.work(1e-3)
    (checkpoint,) = scheduler.checkpoints(1e9)
    assert (checkpoint.state.status, dict(checkpoint.arrays)) == ("diverged", {})
    assert scheduler.checkpoints(2e9) == []


def test_a_run_is_resumed_from_its_checkpoint(scheduler):
    begin(scheduler, "a")
    scheduler.work(0.01)
    do(scheduler, Pause())
    (checkpoint,) = scheduler.checkpoints(0)
    other = Scheduler()
    do(other, Resume(checkpoint.state, "It continues."), arrays=checkpoint.arrays)
    assert state(other).notice == "It continues."
    for each in (scheduler, other):
        do(each, Step())
    one, two = scheduler.runs["a"].trainer, other.runs["a"].trainer
    np.testing.assert_array_equal(one.network.parameters, two.network.parameters)
    assert one.steps == two.steps > 0


def test_a_run_can_be_brought_back_stopped(scheduler):
    begin(scheduler, "a")
    scheduler.work(0.01)
    (checkpoint,) = scheduler.checkpoints(0)
    reply = do(scheduler, Resume(checkpoint.state, "It was stopped.", stop=True), arrays=checkpoint.arrays)
    assert (reply.state.status, reply.state.notice) == ("stopped", "It was stopped.")
    assert reply.state.epoch == checkpoint.state.epoch
    assert do(scheduler, Play()).state.status == "running"


def test_a_diverged_run_comes_back_diverged_and_play_starts_again(scheduler):
    do(scheduler, Open(SMALL))
    before = do(scheduler, Step()).state
    diverged = RunState(SMALL, "diverged", "It diverged.", before.epoch, "epoch", before.origin)
    for arrays in (scheduler.runs["a"].checkpoint(), None):
        do(scheduler, Resume(diverged, "It diverged."), arrays=arrays)
        do(scheduler, GetFrame())
        assert not scheduler.work()
        assert state(scheduler).status == "diverged"
        assert (do(scheduler, Play()).state.status, scheduler.runs["a"].trainer.steps) == ("running", 0)


def test_what_changes_a_run_comes_before_the_frames_of_others(scheduler):
    begin(scheduler, "a", "b")
    ours, its = Pipe()
    change = Change(SMALL.change(learning_rate=0.3))
    for number, (run, command) in enumerate((("a", GetFrame()), ("b", GetFrame()), ("a", GetState()), ("b", change))):
        ours.send_bytes(encode_command(number + 1, run, command))
    ours.send_bytes(GOODBYE)
    with pytest.raises(EOFError):
        scheduler.serve(its)
    found = []
    while ours.poll():
        message = decode_from_worker(ours.recv_bytes())
        found += [] if isinstance(message, Checkpoint) else [message[0]]
    assert found == [3, 4, 1, 2]


def test_counting_tells_running_from_waiting(scheduler):
    assert do(scheduler, CountRuns(), "").header == {"running": 0, "paused": 0}
    begin(scheduler, "a", "b", "c", speed="epoch")
    do(scheduler, Pause(), "b")
    scheduler.runs["c"].seen -= 1000  # nobody looks at it
    assert do(scheduler, CountRuns(), "").header == {"running": 1, "paused": 2}


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only there is memory kept")
def test_the_memory_of_closed_runs_goes_back_to_the_system():
    scheduler, process = Scheduler(), psutil.Process()
    large = Experiment(dataset="digits", hidden=(64,), optimizer="adam")
    for number in range(50):
        scheduler.answer(str(number), Open(large.change(seed=number + 1)))
    full = process.memory_info().rss
    for number in range(50):
        scheduler.answer(str(number), Close())
    scheduler.freed_memory.give_back(time.monotonic() + 31)
    assert full - process.memory_info().rss > 80e6
