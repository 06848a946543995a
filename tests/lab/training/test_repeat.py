"""A run is repeated from its first step, with everything that was done to it, and has the same bits."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.replay import MAX_CHANGES, Replay
from lab.protocol.messages import Change, Edit, GetFrame, Pause, Play, Repeat, Reset, Step, StepBatch
from lab.queries.table import ask
from lab.server.admission import experiment_after
from lab.training.change_log import fingerprint
from lab.training.run import OTHER_BITS, SAME_BITS, Run
from tests.lab.helpers import SMALL, look


def finish(run: Run, steps: float = np.inf, rounds: int = 5000) -> None:
    """Train as a worker does, watched, until the run no longer does, or up to some steps."""
    for _ in range(rounds):
        look(run)
        if run.status != "running" or run.trainer.steps >= steps:
            return
        if run.due and run.is_ready():
            run.advance(0.005)
    raise AssertionError("it did not come about")


def do(run: Run, *commands) -> None:
    for command in commands:
        run.execute(command)
        if isinstance(command, Step | StepBatch):
            finish(run)


def repeated(run: Run, make, **changes) -> Run:
    """A fresh run that has repeated this one."""
    kept, _ = ask(run, "keep", {}, {})
    kept = json.loads(json.dumps(kept))  # as the store holds it
    values = kept["replay"]
    replay = Replay.from_values(values, Experiment(**values["experiment"]))
    other = make()
    command = Repeat(replay.experiment, list(replay.changes), replay.steps, replay.epochs, replay.way,
                     kept["fingerprint"], kept["status"] == "diverged")  # fmt: skip
    other.execute(command)
    finish(other)
    return other


def check_same(run: Run, other: Run) -> None:
    assert fingerprint(other.trainer) == fingerprint(run.trainer)
    assert (other.trainer.steps, other.trainer.epochs) == (run.trainer.steps, run.trainer.epochs)
    np.testing.assert_array_equal(other.trainer.history.values, run.trainer.history.values)
    assert other.experiment == run.experiment
    assert SAME_BITS in other.notice


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_changes_edits_and_single_batches_are_repeated_to_the_bit(make, optimizer):
    run = make(SMALL.change(optimizer=optimizer, seed=3))
    do(run, Step(), StepBatch(), Change(run.experiment.change(learning_rate=0.3)))
    do(run, Change(run.experiment.change(l2=0.01)), StepBatch(), Edit(0, 0, 1, 0.75), Step(), Edit(1, -1, 0, -1.0))
    do(run, Change(run.experiment.change(batch_size=7)), Step(), Step())
    other = repeated(run, make)
    check_same(run, other)
    assert other.status == "paused"
    check_same(run, repeated(other, make))  # what was repeated can be repeated


def test_dropout_and_batches_are_drawn_the_same(make):
    run = make(Experiment(dataset="iris", hidden=(6,), dropout=0.2, batch_norm=True, seed=5))
    do(run, *[Step()] * 4)
    check_same(run, repeated(run, make))


def test_a_stopped_run_that_went_on_is_repeated(make):
    run = make(SMALL.change(epochs=2, validation_share=0.2, patience=50))
    run.execute(Play())
    finish(run)
    assert run.status == "stopped"
    do(run, Step(), Change(run.experiment.change(learning_rate=0.5)), Step())
    other = repeated(run, make)
    check_same(run, other)


def test_a_run_that_was_stopped_by_a_rule_ends_stopped_again(make):
    run = make(SMALL.change(epochs=3))
    run.execute(Play())
    finish(run)
    other = repeated(run, make)
    check_same(run, other)
    assert other.status == "stopped" == run.status


def test_a_diverged_run_diverges_again(make):
    run = make(SMALL.change(learning_rate=10.0, activations="relu", l2=1.0))
    run.execute(Play())
    finish(run)
    assert run.status == "diverged"
    other = repeated(run, make)
    assert other.status == "diverged"
    assert fingerprint(other.trainer) == fingerprint(run.trainer)
    assert other.notice.startswith("Training diverged")
    assert SAME_BITS in other.notice


def test_a_limit_in_seconds_is_set_at_the_end_only(make):
    run = make(SMALL.change(max_seconds=1000.0))
    do(run, Step(), Change(run.experiment.change(max_seconds=2000.0)), Step())
    other = repeated(run, make)
    check_same(run, other)
    assert other.experiment.max_seconds == 2000.0


def test_a_run_with_changes_is_repeated_at_the_speed_that_finishes_runs(make):
    run = make()
    do(run, Step(), Change(run.experiment.change(learning_rate=0.3)), Step())
    at_once = lambda: make(speed="instant")  # noqa: E731
    other = repeated(run, at_once)
    check_same(run, other)
    assert other.status == "paused"


def test_reset_and_another_network_begin_a_new_history(make):
    run = make()
    do(run, Step(), Change(run.experiment.change(learning_rate=0.3)), Reset(), Step())
    replay = run.log.replay(run.trainer, run.experiment)
    assert replay.changes == ()
    assert replay.experiment.learning_rate == 0.3
    do(run, Edit(0, 0, 0, 1.0), Change(run.experiment.change(hidden=(5,))))
    assert run.log.replay(run.trainer, run.experiment).changes == ()


def test_a_repeated_run_pauses_and_goes_on_and_a_change_leaves_the_replay(make):
    run = make()
    do(run, *[Step()] * 3, Change(run.experiment.change(learning_rate=0.3)), *[Step()] * 5)
    kept, _ = ask(run, "keep", {}, {})
    changes, steps = kept["replay"]["changes"], kept["steps"]
    start = Experiment(**kept["replay"]["experiment"])
    other = make()
    other.execute(Repeat(start, changes, steps, way=kept["way"], fingerprint=kept["fingerprint"]))
    other.execute(Pause())
    assert (other.status, other.trainer.steps) == ("paused", 0)
    other.execute(Play())
    finish(other)
    check_same(run, other)
    other.execute(Repeat(start, changes, steps, way=kept["way"], fingerprint=kept["fingerprint"]))
    other.execute(Change(start.change(learning_rate=1.0)))
    finish(other, steps=2 * steps)
    assert other.status == "running"  # it goes its own way, past the end of the replay
    assert other.experiment.learning_rate == 1.0
    assert SAME_BITS not in other.notice


def test_a_replay_survives_its_process(make):
    run = make()
    do(run, *[Step()] * 2, Change(run.experiment.change(learning_rate=0.3)), *[Step()] * 4)
    kept, _ = ask(run, "keep", {}, {})
    start = Experiment(**kept["replay"]["experiment"])
    other = make()
    other.execute(Repeat(start, kept["replay"]["changes"], kept["steps"], way=kept["way"],
                         fingerprint=kept["fingerprint"]))  # fmt: skip
    other.frame(GetFrame())
    other.trainer.run_for(10, steps=4)
    resumed = make(other.experiment)
    resumed.resume(other.state, {name: array.copy() for name, array in other.checkpoint().items()}, "")
    finish(resumed)
    check_same(run, resumed)


def test_other_bits_are_told(make):
    run = make()
    do(run, Step())
    other = make()
    other.execute(Repeat(run.experiment, [], 3, way=run.trainer.executor.way, fingerprint="f" * 32))
    finish(other)
    assert OTHER_BITS in other.notice


def test_a_loaded_network_and_too_many_changes_cannot_be_repeated(make):
    run = make()
    run.rebuild(run.experiment, (run.dataset, run.trainer))
    assert run.log.replay(run.trainer, run.experiment) is None
    run = make()
    for number in range(MAX_CHANGES):
        run.log.note(number, edit=[0, 0, 0, 1.0])
    assert run.log.replay(run.trainer, run.experiment) is None


def test_changes_at_one_step_are_one(make):
    run = make()
    for rate in (0.1, 0.2, 0.3):
        do(run, Change(run.experiment.change(learning_rate=rate)))
    assert run.log.changes == [{"step": 0, "fields": {"learning_rate": 0.3}}]


@pytest.mark.parametrize(
    "changes",
    [
        [{"step": 2, "resume": True}, {"step": 1, "resume": True}], [{"step": -1, "resume": True}], [{"step": 1}], [3],
        [{"step": 1, "resume": False}], [{"step": 1, "fields": {}}], [{"step": 1, "fields": {"hidden": [3]}}],
        [{"step": 1, "fields": {"learning_rate": "0.1"}}], [{"step": 1, "fields": {"learning_rate": -1.0}}],
        [{"step": 1, "edit": [0, 0, 0]}], [{"step": 1, "edit": [0, -2, 0, 1.0]}],
        [{"step": 1, "edit": [0, 0, 0, float("nan")]}], [{"step": 1, "resume": True, "fields": {"l2": 0.1}}],
        [{"step": 99, "resume": True}], [{"step": 1, "resume": True}] * (MAX_CHANGES + 1),
    ],
    ids=range(15),
)  # fmt: skip
def test_what_is_no_replay_is_refused(changes):
    with pytest.raises(ExperimentError, match=r"^replay: "):
        Replay(SMALL, tuple(changes), steps=10)


def test_a_replay_that_does_not_fit_its_network_stops_with_a_sentence(make):
    run = make()
    run.execute(Repeat(SMALL, [{"step": 3, "edit": [7, 0, 0, 1.0]}], 30, way="tape"))
    finish(run)
    assert (run.status, run.trainer.steps) == ("stopped", 3)
    assert "no such weight" in run.notice


def test_a_replay_is_admitted_by_its_largest_batch():
    fields = [{"step": n, "fields": {"batch_size": size}} for n, size in enumerate((5, 0, 7))]
    assert experiment_after(Repeat(SMALL, [*fields, {"step": 9, "resume": True}], 30)) == SMALL.change(batch_size=0)
    assert experiment_after(Repeat(SMALL, [], 30)) == SMALL
