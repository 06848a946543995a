"""Uploaded data in an experiment, and the limits and lifetime of uploads on a server."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from data.files import user_data
from data.files.user_data import PreparedData, UserDataError
from lab.__main__ import main
from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.own_data import RunUse, UploadRegistry
from lab.protocol.messages import Change, Step
from lab.server.pool import WorkerPool
from lab.training.build import build
from lab.worker.local_pool import LocalPool


@pytest.fixture(autouse=True)
def place():
    with user_data.new_folder() as folder:
        yield folder


def prepared(seed: int = 1, rows: int = 40) -> PreparedData:
    x = np.random.default_rng(seed).normal(size=(rows, 2))
    return PreparedData(
        "table", "x.csv", "classification", x, (x[:, 0] > 0).astype(np.int64), ("a", "b"), ("no", "yes")
    )


SIZE = prepared().size


# Experiments ---------------------------------------------------------------------------------------------------------


def test_an_experiment_with_own_data_survives_link_and_json():
    e = Experiment(dataset="table", own=user_data.save(prepared()), epochs=3)
    assert Experiment.from_query(e.to_query()) == (e, [])
    assert Experiment.from_json(e.to_json()) == e
    assert (e.inputs, e.source.classes, e.output_name) == (2, 2, "sigmoid")
    trainer = build(e).trainer
    before = trainer.evaluate().train_loss
    for _ in range(20):
        trainer.epoch()
    assert trainer.evaluate().train_loss < before


def test_another_data_set_resets_own_data_and_unfit_fields():
    e = Experiment(outliers=0.2, balance=0.3).change(dataset="table", own=user_data.save(prepared()))
    assert (e.outliers, e.balance) == (0, 0.5)
    assert e.change(dataset="spiral").own == ""


@pytest.mark.parametrize("dataset", ["table", "own_images"])
def test_a_link_to_missing_data_keeps_the_other_fields(dataset):
    e, refused = Experiment.from_query({"dataset": dataset, "own": "a" * 32, "seed": "5"})
    assert e == Experiment(seed=5)
    (sentence,) = refused
    assert sentence == ("own: this data is no longer on this server: upload the file again on the page Data.")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"dataset": "table"}, "dataset: table does not fit; allowed: with the name of an uploaded file"),
        ({"own": "a" * 32}, "own: aaaa.* does not fit; allowed: nothing with this data set"),
        ({"dataset": "table", "own": "../../etc/passwd"}, "own: .* is not allowed; allowed: the name"),
        ({"dataset": "table", "own": 7}, "own: 7 is not allowed"),
        ({"dataset": "table", "own": "b" * 32}, "own: this data is no longer on this server"),
    ],
)
def test_fields_that_name_no_data_are_refused(fields, sentence):
    with pytest.raises(ExperimentError, match=sentence):
        Experiment.from_json(json.dumps(fields))


def test_the_name_of_a_table_is_not_that_of_pictures():
    with pytest.raises(ExperimentError, match="dataset: own_images does not fit; allowed: table"):
        Experiment.from_json(json.dumps({"dataset": "own_images", "own": user_data.save(prepared())}))


def test_a_worker_trains_on_later_uploads():
    workers = WorkerPool(1)
    workers.start()
    try:
        token = workers.open(Experiment())
        e = Experiment(dataset="table", own=user_data.save(prepared()))
        workers.do(token, Change(e))
        workers.do(token, Step())
        here = LocalPool()
        other = here.open(e)
        here.do(other, Step())
        np.testing.assert_array_equal(
            workers.ask(token, "weights")[1]["parameters"], here.ask(other, "weights")[1]["parameters"]
        )
    finally:
        workers.stop()


# The shelf -----------------------------------------------------------------------------------------------------------


def test_an_upload_counts_once_and_can_be_forgotten(place):
    shelf = UploadRegistry()
    name = shelf.keep("ann", prepared())
    assert shelf.keep("ann", prepared()) == name
    assert shelf.of("ann") == {name: SIZE}
    assert shelf.of("bob") == {}
    shelf.forget("bob", name)
    assert user_data.known(name)
    shelf.forget("ann", name)
    assert (shelf.of("ann"), shelf.size, list(place.iterdir())) == ({}, 0, [])


def test_a_shared_upload_is_kept_until_its_last_owner_leaves():
    shelf = UploadRegistry()
    name = shelf.keep("ann", prepared())
    assert shelf.keep("bob", prepared()) == name
    assert shelf.size == SIZE
    shelf.forget("ann", name)
    assert user_data.known(name)
    shelf.forget("bob", name)
    assert not user_data.known(name)


def test_uploads_above_the_limit_are_not_written(place):
    shelf = UploadRegistry(session_bytes=SIZE + 100)
    shelf.keep("ann", prepared(1))
    with pytest.raises(UserDataError, match=r"^This data takes .* MB .* may keep .* MB\. Forget an upload"):
        shelf.keep("ann", prepared(2))
    assert len(list(place.iterdir())) == 1
    shelf.keep("bob", prepared(2))
    shelf.forget("ann", next(iter(shelf.of("ann"))))
    shelf.keep("ann", prepared(3))


def test_more_sets_than_a_visitor_may_keep_are_refused():
    shelf = UploadRegistry(session_sets=2)
    for seed in (1, 2):
        shelf.keep("ann", prepared(seed))
    with pytest.raises(UserDataError, match="You keep 2 uploads, as many as are allowed"):
        shelf.keep("ann", prepared(3))
    shelf.keep("ann", prepared(2))


def test_more_than_the_server_has_room_for_is_refused():
    shelf = UploadRegistry(total_bytes=SIZE + 100)
    shelf.keep("ann", prepared(1))
    with pytest.raises(UserDataError, match="fill this server"):
        shelf.keep("bob", prepared(2))


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


HOUR = 3600.0


def runs(*uses: tuple[str, str]) -> dict[str, RunUse]:
    """Runs of visitors that use uploads."""
    return {f"run {i}": RunUse(visitor, frozenset({own} - {""})) for i, (visitor, own) in enumerate(uses)}


def test_uploads_outlive_the_runs_of_a_visitor_for_a_day(place):
    shelf = UploadRegistry(clock=(clock := Clock()))
    name = shelf.keep("ann", prepared(1))
    shelf.keep_file("ann", "table", "x.csv", b"1,2")
    clock.now = 23 * HOUR
    shelf.seen("stranger")
    shelf.sweep({})
    assert shelf.of("ann") == {name: SIZE}
    shelf.seen("ann")
    clock.now = 46 * HOUR
    shelf.sweep({})
    assert user_data.known(name)
    clock.now = 48 * HOUR
    shelf.sweep({})
    assert (shelf.owners, shelf.size, list(place.iterdir())) == ({}, 0, [])


def test_data_stays_while_a_run_of_anyone_uses_it():
    shelf = UploadRegistry(clock=(clock := Clock()))
    name = shelf.keep("teacher", prepared())
    clock.now = 100 * HOUR
    shelf.sweep(runs(("pupil", name)))
    assert (user_data.known(name), shelf.of("teacher"), shelf.of("pupil"), shelf.size) == (True, {}, {}, SIZE)
    shelf.sweep(runs(("pupil", "")))
    assert not user_data.known(name)


def test_a_visitor_with_an_open_page_is_not_gone():
    shelf = UploadRegistry(clock=(clock := Clock()))
    name = shelf.keep("ann", prepared())
    clock.now = 20 * HOUR
    shelf.sweep(runs(("ann", "")))
    clock.now = 40 * HOUR
    shelf.sweep({})
    assert shelf.of("ann") == {name: SIZE}


def test_deleted_data_goes_when_its_last_run_ends():
    shelf = UploadRegistry()
    name = shelf.keep("teacher", prepared())
    shelf.forget("teacher", name, runs(("pupil", name)).values())
    assert (shelf.of("teacher"), user_data.known(name)) == ({}, True)
    shelf.sweep({})
    assert not user_data.known(name)


def test_a_full_server_removes_what_has_been_unused_the_longest():
    shelf = UploadRegistry(total_bytes=3 * SIZE + 3, clock=(clock := Clock()))
    oldest = shelf.keep("ann", prepared(1))
    shelf.keep_file("ann", "table", "x.csv", b"1,2")
    clock.now = HOUR
    used = shelf.keep("bob", prepared(2))
    clock.now = 2 * HOUR
    older = shelf.keep("carl", prepared(3))
    clock.now = 3 * HOUR
    shelf.sweep(runs(("pupil", used)))
    newest = shelf.keep("dora", prepared(4))
    assert [user_data.known(name) for name in (oldest, used, older, newest)] == [False, True, True, True]
    assert (shelf.of("ann"), [file.name for file in shelf.files("ann").values()]) == ({}, ["x.csv"])
    shelf.keep("dora", prepared(5))
    assert [user_data.known(name) for name in (used, older, newest)] == [True, False, True]
    assert shelf.files("ann") == {}
    with pytest.raises(UserDataError, match="all visitors fill this server"):
        shelf.keep("dora", prepared(6))
    assert shelf.size == 3 * SIZE


def test_a_set_that_is_gone_keeps_its_name():
    shelf = UploadRegistry()
    name = shelf.keep("ann", prepared())
    shelf.forget("ann", name)
    assert shelf.label("table", name) == "Your table: x.csv"
    assert UploadRegistry().label("own_images", name) == f"Your images {name[:8]}"


def test_each_visitor_has_one_file_in_a_section(place):
    shelf = UploadRegistry()
    shelf.keep_file("ann", "table", "x.csv", b"1,2")
    first = shelf.files("ann")["table"]
    shelf.choose("ann", "table", first.digest, "target", "kind")
    shelf.choose("bob", "table", first.digest, "target", "size")
    assert (first.read(), first.choices, shelf.files("bob")) == (b"1,2", {"target": "kind"}, {})
    shelf.keep_file("bob", "table", "same.csv", b"1,2")
    assert (len(list(place.iterdir())), shelf.size) == (1, 3)
    shelf.keep_file("ann", "table", "y.csv", b"3,4,5")
    shelf.choose("ann", "table", first.digest, "target", "late")  # from a page that shows the old file
    second = shelf.files("ann")["table"]
    assert (second.name, second.read(), second.choices) == ("y.csv", b"3,4,5", {})
    assert shelf.files("bob")["table"].read() == b"1,2"
    shelf.forget_file("bob", "table")
    with pytest.raises(UserDataError, match="no longer on the server; upload it again"):
        first.read()
    shelf.forget_file("ann", "table")
    assert list(place.iterdir()) == []


def test_a_full_disk_is_said_and_leaves_nothing(place, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(user_data.os, "replace", full)
    shelf = UploadRegistry()
    for store in (lambda: shelf.keep("ann", prepared()), lambda: shelf.keep_file("ann", "table", "x.csv", b"1,2")):
        with pytest.raises(UserDataError, match="cannot store this file"):
            store()
    assert (list(place.iterdir()), shelf.size) == ([], 0)


def test_a_change_is_refused_where_the_data_is_gone():
    e = Experiment(dataset="table", own=user_data.save(prepared()))
    user_data.forget(e.own)
    with pytest.raises(ExperimentError, match="own: this data is no longer on this server"):
        e.change(learning_rate=0.3)
    assert e.change(dataset="spiral") == Experiment(dataset="spiral")


def test_a_pool_says_which_uploads_its_runs_use():
    workers = WorkerPool(1)
    workers.start()
    try:
        name = user_data.save(prepared())
        for pool, visitor in ((workers, "a" * 20), (LocalPool(), "")):
            first = pool.open(Experiment(dataset="table", own=name), visitor=visitor)
            other = pool.open(Experiment())
            assert pool.uses() == {first: RunUse(visitor, frozenset({name})), other: RunUse("", frozenset())}
            pool.do(first, Change(Experiment()))
            assert pool.uses()[first] == RunUse(visitor, frozenset())
    finally:
        workers.stop()


# The command line ----------------------------------------------------------------------------------------------------


def test_a_table_can_be_trained_on_without_a_screen(tmp_path, capsys):
    table = tmp_path / "x.csv"
    table.write_text("size,colour,cost,kind\n" + "".join(f"{i % 7},{'rg'[i % 2]},{i * 1.5},{'ab'[i % 7 > 3]}\n"
                                                         for i in range(60)), encoding="utf-8")  # fmt: skip
    assert main(["run", "epochs=30&learning_rate=0.3", "--table", str(table), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["test_accuracy"] == 1
    assert main(["run", "epochs=2", "--table", str(table), "--target", "cost", "--json"]) == 0
    assert "test_r2" in json.loads(capsys.readouterr().out)
    assert main(["run", "epochs=2", "--table", str(table), "--target", "prize"]) == 2
    assert "There is no column prize; the columns are size, colour, cost, kind." in capsys.readouterr().err
    assert main(["run", "epochs=2", "--table", str(tmp_path / "none.csv")]) == 2
    assert "none.csv cannot be read: No such file" in capsys.readouterr().err
    table.write_bytes(b"one\n")
    assert main(["run", "epochs=2", "--table", str(table)]) == 2
    assert "The file has one column only" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["run", "epochs=2", "--target", "cost"])


def test_prepared_data_has_a_size_that_counts():
    assert SIZE == 40 * 2 * 8 + 40 * 8
    assert dataclasses.replace(prepared(), x=prepared().x.astype(np.uint8)).size == 40 * 2 + 40 * 8


def test_a_page_file_counts_until_its_visitor_leaves():
    shelf = UploadRegistry(session_bytes=SIZE + 100, total_bytes=2 * SIZE + 200)
    shelf.keep("ann", prepared())
    shelf.hold("ann", "run", "examples", 90)
    shelf.hold("ann", "run", "examples", 100)  # replaces the earlier one
    assert (shelf.used("ann"), shelf.used("bob"), shelf.size) == (SIZE + 100, 0, SIZE + 100)
    with pytest.raises(UserDataError, match="Forget an upload"):
        shelf.hold("ann", "run", "examples", 101)
    assert shelf.used("ann") == SIZE + 100
    with pytest.raises(UserDataError, match="Forget an upload"):
        shelf.keep("ann", prepared(2))
    shelf.hold("bob", "other", "examples", SIZE + 100)
    with pytest.raises(UserDataError, match="all visitors fill this server"):
        shelf.hold("eve", "third", "examples", 101)
    shelf.hold("ann", "run", "examples", 0)
    assert shelf.used("ann") == SIZE
    shelf.sweep({"run": RunUse("ann", frozenset())})
    assert shelf.size == SIZE
