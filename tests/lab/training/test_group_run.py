"""Members of a group equal, to the bit, the single runs of their experiments."""

from __future__ import annotations

import re

import numpy as np
import pytest

from lab.experiment.datasets import examples
from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.group import FOLDS, Group
from lab.protocol.messages import GetResponses
from lab.queries.table import ask
from lab.training.build import build
from lab.training.group_run import ROUNDS, GroupRun
from lab.training.run import MAX_GROUPS, WATCHED_S, Run

HARD = Experiment(samples=60, hidden=(4,), batch_norm=True, dropout=0.2, optimizer="adam")
GROUPS = {
    "rates": Group(HARD, "learning_rate", (0.01, 0.1, 10.0), 2, epochs=6),
    "clipping": Group(HARD, "clip_norm", (0.0, 0.1), 2, epochs=6),
    "penalty": Group(HARD, "l2", (0.0, 0.1), 2, epochs=6),
    "batches": Group(HARD, "batch_size", (5, 0), 2, epochs=6),
    "layers": Group(HARD, "hidden", ((3,), (4, 4)), 2, epochs=6),
    "pairs": Group(HARD, "learning_rate", (0.01, 0.1), 2, epochs=6, field2="hidden", values2=((3,), (4, 4))),
    "data": Group(HARD.change(validation_share=0.25), seeds=3, vary="everything", epochs=6),
    "validation": Group(HARD.change(validation_share=0.25), "validation_share", (0.0, 0.25), 2, epochs=6),
    "folds": Group(HARD, seeds=5, vary="folds", epochs=6),
    "noise": Group(HARD.change(weight_seed=3), "noise", (0.0, 0.2), 2, epochs=6),
    "stop rules": Group(HARD.change(patience=2), seeds=3, epochs=20),
    "numbers": Group(HARD.change(dataset="plane"), "optimizer", ("sgd", "rmsprop"), 2, epochs=6),
}


def finished(group: Group) -> GroupRun:
    run = GroupRun(group)
    while not run.finished:
        run.advance(0.002)
    return run


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_each_member_equals_the_single_run_of_its_experiment(group):
    for member, outcome in zip(group.members, finished(group).outcomes, strict=True):
        trainer = build(member.experiment).trainer
        trainer.run_for(np.inf, epochs=group.epochs)
        epochs, values = trainer.history.epochs, trainer.history.values
        rows = (4, 5) if group.part == "validation" else (1, 3)
        known = epochs[epochs < trainer.epochs] if trainer.stopped else epochs
        for row, series in zip(rows, (outcome.losses, outcome.scores), strict=True):
            np.testing.assert_array_equal(series[known], values[row][: len(known)])
        assert outcome.epochs == trainer.epochs
        if trainer.stopped:
            assert outcome.status == "stopped"
            assert (outcome.losses[-1], outcome.scores[-1]) == trainer.evaluate().of(group.part)
        else:
            assert outcome.status == ("done" if trainer.divergence is None else "diverged")


def test_a_diverged_member_counts_as_worse_than_any_other():
    outcomes = finished(Group(Experiment(samples=60), "learning_rate", (0.03, 10.0), 1, epochs=10)).outcomes
    assert [outcome.status for outcome in outcomes] == ["done", "diverged"]
    assert outcomes[1].losses[-1] == np.inf
    assert outcomes[1].scores[-1] == -np.inf
    assert np.isfinite(outcomes[0].losses).all()


def test_a_member_has_the_map_of_its_network():
    outcomes = finished(Group(Experiment(samples=60), "hidden", ((2,), (8,)), 1, epochs=5)).outcomes
    assert (outcomes[0].map != outcomes[1].map).any()
    assert finished(Group(Experiment(dataset="iris"), seeds=1, epochs=2)).outcomes[0].map is None


def answered(run: Run, group: Group, start: int = 0, **options: bool):
    return ask(run, "group", {"group": group.to_json(), "start": start, **options}, {})


def test_tiles_train_at_once(monkeypatch):
    """Until the first run ends, each member has the loss that a single run has after as many epochs."""
    group, run = Group(HARD, "l2", (0.0, 0.1), 2, epochs=40, field2="hidden", values2=((3,), (4, 4))), Run(HARD)
    header, arrays = answered(run, group, so_far=True)
    while min(header.get("so_far_epochs", [0])) < 20:
        run.advance(0.001)
        header, arrays = answered(run, group, so_far=True)
    epochs = header["so_far_epochs"]
    assert (len(epochs), header["status"]) == (group.places, [])
    assert max(epochs) - min(epochs) <= group.epochs // ROUNDS
    for member, own, loss, score in zip(
        group.members, epochs, arrays["so_far_losses"], arrays["so_far_scores"], strict=False
    ):
        trainer = build(member.experiment).trainer
        trainer.run_for(np.inf, epochs=own)
        assert [*loss, *score] == [trainer.history.values[row][-1] for row in (1, 3)]
    assert len({picture.tobytes() for picture in arrays["so_far_maps"]}) == group.places
    assert "so_far_epochs" not in answered(run, group)[0]  # only on request
    members = run.group(group.to_json())
    while len(members.outcomes) < 2:
        run.advance(0.001)
    monkeypatch.setattr("lab.queries.group.MAX_OUTCOMES", 1)
    header, arrays = answered(run, group, so_far=True)  # its members would not follow those that are sent
    assert (len(header["status"]), "so_far_maps" in arrays) == (1, False)


@pytest.mark.parametrize("name", ["circle", "iris", "digits"])
@pytest.mark.parametrize("folds", FOLDS)
def test_folds_hold_each_training_example_once_in_a_validation_part(name, folds):
    e = Experiment(dataset=name, samples=103)
    whole = examples(e)
    parts = [examples(member.experiment) for member in Group(e, seeds=folds, vary="folds").members]
    for part in parts:
        np.testing.assert_array_equal(part.y_test, whole.y_test)
        assert len(part.x_train) + len(part.x_validation) == len(whole.x_train)
    sizes = [len(part.x_validation) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    if name == "circle":  # other data is standardized by each training part, and cannot be recognized
        assert sorted(map(tuple, np.concatenate([part.points_validation for part in parts]))) == sorted(
            map(tuple, whole.points_train)
        )
        for part in parts:
            together = np.concatenate([part.points_train, part.points_validation])
            assert sorted(map(tuple, together)) == sorted(map(tuple, whole.points_train))


def test_a_group_that_is_asked_for_again_elsewhere_begins_where_the_page_is():
    group = GROUPS["rates"]
    whole = finished(group).outcomes
    run = Run(HARD)  # of a restarted worker
    while not answered(run, group, start=4)[0]["finished"]:
        run.advance(0.001)
    arrays = answered(run, group, start=4)[1]
    np.testing.assert_array_equal(arrays["losses"], [outcome.losses for outcome in whole[4:]])
    assert not answered(run, group)[0]["status"]  # another page, which has nothing yet
    while not answered(run, group)[0]["finished"]:
        run.advance(0.001)
    np.testing.assert_array_equal(answered(run, group)[1]["losses"], [outcome.losses for outcome in whole])


@pytest.mark.parametrize(
    ("problem", "said"),
    [(ExperimentError(["hidden: too wide."]), "hidden: too wide."), (MemoryError(), "no memory left for these runs"),
     (KeyError("x"), r"Training failed \(KeyError\)\.")],
)  # fmt: skip
def test_a_member_that_cannot_be_trained_does_not_stop_the_run(monkeypatch, problem, said):
    run = Run(HARD, "max")
    run.play()

    def fails(*_, **__):
        raise problem

    monkeypatch.setattr("lab.training.group_run.build", fails)
    for question in ("group", "pair"):
        options = {"group": GROUPS["rates"].to_json(), "start": 0, "numbers": [0, 1], "until": 2}
        ask(run, question, options, {})
        for _ in range(3):
            run.watch()
            run.advance(0.001)
        header, arrays = ask(run, question, options, {})
        assert re.search(said, header["problem"])
        assert header["finished"]
        assert not arrays
    assert run.status == "running"
    assert run.trainer.steps > 0


def test_a_group_that_nobody_asks_for_gives_up_its_trainers():
    now = [0.0]
    run, group = Run(HARD, clock=lambda: now[0]), GROUPS["layers"]
    answered(run, group)
    ask(run, "pair", {"group": group.to_json(), "numbers": [0, 1], "until": 2}, {})
    for _ in range(20):
        run.advance(0.0)
    members, pair = run.group(group.to_json()), run.pair(group.to_json(), (0, 1))
    assert members.trainers or pair.sides
    run.release_unwatched()
    assert members.trainers or pair.sides
    now[0] += WATCHED_S + 1
    run.release_unwatched()
    assert not members.trainers
    assert not pair.sides
    alone = finished(group).outcomes
    while not answered(run, group)[0]["finished"]:
        run.advance(0.001)
    for mine, beside in zip(alone, members.outcomes, strict=True):
        np.testing.assert_array_equal(mine.losses, beside.losses)


def test_a_group_trains_beside_its_run_while_somebody_asks():
    now = [0.0]
    run, group = Run(Experiment(samples=60), clock=lambda: now[0]), Group(Experiment(samples=60), seeds=3, epochs=5)
    assert not run.due
    assert answered(run, group)[0] | {"extent": None} == {
        "finished": False, "problem": "", "total": 3, "extent": None, "encoding": "value", "status": [], "epochs": [],
        "fingerprints": [],
    }  # fmt: skip
    assert run.due
    now[0] += WATCHED_S + 1
    assert not run.due  # nobody asks
    answered(run, group)
    while run.due:
        run.advance(0.002)
    header, arrays = answered(run, group, start=1)
    assert header["finished"]
    assert (header["status"], header["epochs"]) == (["done"] * 2, [5, 5])
    assert arrays["losses"].shape == (2, 6)
    assert len(arrays["maps"]) == 2
    assert run.trainer.epochs == 0


def test_a_playing_run_and_its_group_train_in_turns():
    run, group = Run(Experiment(samples=60), "max"), Group(Experiment(samples=60), seeds=2, epochs=300)
    run.play()
    answered(run, group)
    members = run.group(group.to_json())
    while not members.finished:
        run.watch()
        before = run.trainer.steps
        run.advance(0.001)
        run.advance(0.001)
        assert run.trainer.steps > before
    assert run.status == "running"


def test_nothing_that_trains_beside_a_group_changes_its_numbers():
    group, other = GROUPS["rates"], GROUPS["layers"]
    alone = finished(group).outcomes
    run = Run(HARD, "max")
    run.play()
    while not (answered(run, group)[0]["finished"] and answered(run, other)[0]["finished"]):
        ask(run, "pair", {"group": group.to_json(), "numbers": [0, 1], "until": 3}, {})
        run.respond(GetResponses({"l2": "", "noise": ""}))
        run.advance(0.001)
    for mine, beside in zip(alone, run.group(group.to_json()).outcomes, strict=True):
        np.testing.assert_array_equal(mine.losses, beside.losses)


def test_a_long_group_is_sent_in_pieces_with_the_maps_of_their_members(monkeypatch):
    monkeypatch.setattr("lab.queries.group.MAX_OUTCOMES", 2)
    e = Experiment(samples=60, hidden=(2,))
    run, group = Run(e), Group(e, seeds=5, epochs=1)
    while not answered(run, group)[0]["finished"]:
        run.advance(0.01)
    pieces = [answered(run, group, start)[1] for start in (0, 2, 4)]
    assert [len(piece["losses"]) for piece in pieces] == [len(piece["maps"]) for piece in pieces] == [2, 2, 1]
    whole = run.group(group.to_json()).outcomes
    np.testing.assert_array_equal(np.concatenate([p["maps"] for p in pieces]), [o.map for o in whole])


def test_a_run_remembers_only_its_latest_groups():
    run = Run(HARD)
    groups = [Group(HARD, seeds=2, epochs=epochs) for epochs in range(1, MAX_GROUPS + 3)]
    kept = [run.group(group.to_json()) for group in groups]
    for group, members in list(zip(groups, kept, strict=True))[-MAX_GROUPS:]:
        assert run.group(group.to_json()) is members
    assert run.group(groups[0].to_json()) is not kept[0]
