"""Two members in lock step, and forks of a run that has trained already."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine import OPTIMIZERS
from engine.network.layers import Dropout
from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.group import Group
from lab.experiment.replay import Replay
from lab.protocol.messages import Change, Edit, Play, Repeat, Step, StepBatch
from lab.queries.table import ask
from lab.training.group_run import GroupRun
from lab.training.pair_run import PairRun
from lab.training.run import Run

HARD = Experiment(samples=60, hidden=(4,), batch_norm=True, dropout=0.2)


def trained(e: Experiment = HARD, epochs: int = 3, **changes) -> Run:
    """A run with a history: some epochs, a changed rate, an edited weight, and a batch of the next epoch."""
    run = Run(e)
    for _ in range(epochs):
        run.execute(Step())
    run.execute(Change(e.change(learning_rate=0.02, **changes)))
    run.execute(StepBatch())
    run.execute(Edit(0, 0, 1, 0.5))
    run.execute(StepBatch())
    return run


def fork(run: Run, field: str, *values, **options) -> Group:
    start = run.log.replay(run.trainer, run.experiment)
    assert start
    return Group(run.experiment, field, values, **{"seeds": 1, **options}, start=start)


def advanced(pair: PairRun, until: int) -> PairRun:
    pair.go_to(until)
    while not pair.finished:
        pair.advance(0.005)
    return pair


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_fork_without_a_change_stays_equal_for_1000_epochs(optimizer):
    run = trained(HARD.change(optimizer=optimizer, samples=40), batch_size=5)
    pair = advanced(PairRun(fork(run, "learning_rate", 0.02, 0.02), (0, 1)), 1000)
    first, second = (side.trainer for side in pair.sides)
    assert first.epochs == second.epochs == run.trainer.epochs + 1000
    np.testing.assert_array_equal(first.network.parameters, second.network.parameters)
    for name, slot in first.optimizer.slots.items():
        np.testing.assert_array_equal(slot, second.optimizer.slots[name])
    np.testing.assert_array_equal(first.history.values, second.history.values)
    maps = [side.prepared.map() for side in pair.sides]
    np.testing.assert_array_equal(*maps)


def test_a_fork_begins_with_the_state_of_the_run():
    run = trained()
    pair = advanced(PairRun(fork(run, "learning_rate", 0.02, 0.5), (0, 1)), 0)
    here = run.trainer.get_state()
    for side in pair.sides:
        found = side.trainer.get_state()
        assert found.snapshot.counters == here.snapshot.counters
        assert found.snapshot.rngs == here.snapshot.rngs
        np.testing.assert_array_equal(found.snapshot.parameters, here.snapshot.parameters)
        np.testing.assert_array_equal(found.snapshot.order, here.snapshot.order)
        np.testing.assert_array_equal(found.history[1], here.history[1])
    assert [side.trainer.settings.learning_rate for side in pair.sides] == [0.02, 0.5]


def test_the_unchanged_side_of_a_fork_goes_on_as_the_run_itself():
    run = trained()
    pair = advanced(PairRun(fork(run, "learning_rate", 0.02, 0.5), (0, 1)), 4)
    for _ in range(4):
        run.execute(Step())
    while run.trainer.epochs < pair.sides[0].trainer.epochs:
        run.execute(Step())
    same, other = pair.sides
    np.testing.assert_array_equal(same.trainer.history.values, run.trainer.history.values)
    assert (other.trainer.network.parameters != same.trainer.network.parameters).any()


def test_another_rate_changes_neither_batches_nor_masks(monkeypatch):
    monkeypatch.setenv("PLAYGROUND_COMPILED", "off")
    drawn: dict[int, list[np.ndarray]] = {}
    draw = Dropout.draw

    def noted(self, noise):
        draw(self, noise)
        drawn.setdefault(id(self), []).append(noise.copy())

    monkeypatch.setattr(Dropout, "draw", noted)
    run = trained()
    drawn.clear()
    pair = PairRun(fork(run, "learning_rate", 0.02, 0.5), (0, 1))
    orders: list[list[np.ndarray]] = [[], []]
    for until in range(30):
        advanced(pair, until)
        for seen, side in zip(orders, pair.sides, strict=True):
            seen.append(side.trainer.order.copy())
    np.testing.assert_array_equal(*orders)
    masks = list(drawn.values())
    assert len(masks) == 2
    assert len(masks[0]) == len(masks[1]) > 30
    for a, b in zip(*masks, strict=True):
        np.testing.assert_array_equal(a, b)


def test_neither_side_is_ahead_of_the_other_by_more_than_an_epoch():
    pair = PairRun(Group(HARD, "batch_size", (2, 0), 1), (0, 1))
    pair.go_to(40)
    while not pair.finished:
        pair.advance(0.0)
        if len(pair.sides) == 2:
            assert abs(pair.sides[0].epochs - pair.sides[1].epochs) <= 1
    assert [side.epochs for side in pair.sides] == [40, 40]


def test_a_pair_returns_to_where_it_became_different_and_repeats_itself():
    pair = PairRun(fork(trained(), "l2", 0.0, 0.1), (0, 1))
    first = [side.trainer.network.parameters.copy() for side in advanced(pair, 5).sides]
    advanced(pair, 1)
    assert [side.epochs for side in pair.sides] == [1, 1]
    again = [side.trainer.network.parameters for side in advanced(pair, 5).sides]
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_each_member_of_a_fork_equals_the_run_that_its_replay_repeats(optimizer):
    run = trained(HARD.change(optimizer=optimizer, validation_share=0.25))
    group = fork(run, "learning_rate", 0.02, 0.5, seeds=2, epochs=6)
    members = GroupRun(group)
    while not members.finished:
        members.advance(0.002)
    for number, outcome in enumerate(members.outcomes):
        replay = group.replay_of(number)
        alone = Run(HARD)
        alone.execute(Repeat(replay.experiment, list(replay.changes), replay.steps, replay.epochs, replay.way))
        while alone.due:
            alone.advance(0.01)
        assert alone.experiment == group.members[number].experiment
        assert alone.trainer.epochs == group.first_epoch + 6
        epochs, values = alone.trainer.history.epochs, alone.trainer.history.values
        own = epochs >= group.first_epoch
        np.testing.assert_array_equal(outcome.losses, values[4][own])
        np.testing.assert_array_equal(outcome.scores, values[5][own])


def test_a_stopped_run_is_forked_where_play_would_go_on():
    e = HARD.change(epochs=4, batch_norm=False)
    run = Run(e, "max")
    run.execute(Play())
    while run.status == "running":
        run.watch()
        run.advance(0.01)
    start = run.log.replay(run.trainer, run.experiment)
    assert start
    start = replace(start, changes=(*start.changes, {"step": start.steps, "resume": True}))
    pair = advanced(PairRun(Group(e, "learning_rate", (0.03, 0.3), 1, start=start), (0, 1)), 3)
    assert [side.trainer.epochs for side in pair.sides] == [7, 7]


def test_a_fork_changes_only_what_a_network_can_take_while_it_trains():
    run = trained()
    with pytest.raises(ExperimentError, match="can change after epoch 0"):
        fork(run, "hidden", (4,), (8,))
    with pytest.raises(ExperimentError, match="can change after epoch 0"):
        Group(HARD, "l2", (0.0, 0.1), 1, start=Replay(HARD.change(seed=7), steps=3, epochs=1))


def test_a_fork_survives_its_text():
    group = fork(trained(), "l2", 0.0, 0.1, seeds=5)
    assert Group.from_json(group.to_json()) == group


def test_a_page_is_told_of_both_sides_while_they_train():
    run = trained()
    group = fork(run, "learning_rate", 0.02, 0.02, 0.5)

    def answer(numbers, until):
        while not (found := ask(run, "pair", {"group": group.to_json(), "numbers": numbers, "until": until}, {}))[0][
            "finished"
        ]:
            run.advance(0.005)
        return found

    header, arrays = answer([0, 1], 3)
    assert header["epochs"] == [3, 3]
    assert header["difference"] == 0
    np.testing.assert_array_equal(*arrays["maps"])
    np.testing.assert_array_equal(arrays["losses_0"], arrays["losses_1"])
    assert arrays["epochs_0"][0] == 0  # with what came before
    header, arrays = answer([0, 2], 3)
    assert header["difference"] > 0
    assert (arrays["maps"][0] != arrays["maps"][1]).any()
    assert run.trainer.epochs == 3
