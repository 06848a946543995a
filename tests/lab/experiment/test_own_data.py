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
from lab.experiment.own_data import UploadRegistry
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
    assert sentence == (
        "own: this data was uploaded in another session and is no longer available: "
        "upload the file again on the page Data."
    )


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"dataset": "table"}, "dataset: table does not fit; allowed: with the name of an uploaded file"),
        ({"own": "a" * 32}, "own: aaaa.* does not fit; allowed: nothing with this data set"),
        ({"dataset": "table", "own": "../../etc/passwd"}, "own: .* is not allowed; allowed: the name"),
        ({"dataset": "table", "own": 7}, "own: 7 is not allowed"),
        ({"dataset": "table", "own": "b" * 32}, "own: this data was uploaded in another session"),
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
    name = shelf.keep("ann", "run", prepared())
    assert shelf.keep("ann", "run", prepared()) == name
    assert shelf.of("ann") == {name: SIZE}
    assert shelf.of("bob") == {}
    shelf.forget("bob", name)
    assert user_data.known(name)
    shelf.forget("ann", name)
    assert (shelf.of("ann"), shelf.size, list(place.iterdir())) == ({}, 0, [])


def test_a_shared_upload_is_kept_until_its_last_owner_leaves():
    shelf = UploadRegistry()
    name = shelf.keep("ann", "run 1", prepared())
    assert shelf.keep("bob", "run 2", prepared()) == name
    assert shelf.size == SIZE
    shelf.forget("ann", name)
    assert user_data.known(name)
    shelf.forget("bob", name)
    assert not user_data.known(name)


def test_uploads_above_the_limit_are_not_written(place):
    shelf = UploadRegistry(session_bytes=SIZE + 100)
    shelf.keep("ann", "run", prepared(1))
    with pytest.raises(UserDataError, match=r"^This data takes .* MB .* may keep .* MB\. Forget an upload"):
        shelf.keep("ann", "run", prepared(2))
    assert len(list(place.iterdir())) == 1
    shelf.keep("bob", "run", prepared(2))
    shelf.forget("ann", next(iter(shelf.of("ann"))))
    shelf.keep("ann", "run", prepared(3))


def test_more_sets_than_a_visitor_may_keep_are_refused():
    shelf = UploadRegistry(session_sets=2)
    for seed in (1, 2):
        shelf.keep("ann", "run", prepared(seed))
    with pytest.raises(UserDataError, match="You keep 2 uploads, as many as are allowed"):
        shelf.keep("ann", "run", prepared(3))
    shelf.keep("ann", "run", prepared(2))


def test_more_than_the_server_has_room_for_is_refused():
    shelf = UploadRegistry(total_bytes=SIZE + 100)
    shelf.keep("ann", "run", prepared(1))
    with pytest.raises(UserDataError, match="fill this server"):
        shelf.keep("bob", "run", prepared(2))


def test_uploads_go_when_the_run_of_their_visitor_has_gone(place):
    shelf = UploadRegistry()
    first, second = shelf.keep("ann", "run 1", prepared(1)), shelf.keep("bob", "run 2", prepared(2))
    shelf.seen("ann", "run 3")  # a new run after the old one was lost
    shelf.seen("stranger", "run 4")
    shelf.sweep({"run 2", "run 3"}.__contains__)
    assert user_data.known(first)
    assert user_data.known(second)
    shelf.sweep({"run 3"}.__contains__)
    assert user_data.known(first)
    assert not user_data.known(second)
    shelf.sweep(lambda run: False)
    assert (shelf.owners, list(place.iterdir())) == ({}, [])


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
    shelf.keep("ann", "run", prepared())
    shelf.hold("ann", "run", "examples", 90)
    shelf.hold("ann", "run", "examples", 100)  # replaces the earlier one
    assert (shelf.used("ann"), shelf.used("bob"), shelf.size) == (SIZE + 100, 0, SIZE + 100)
    with pytest.raises(UserDataError, match="Forget an upload"):
        shelf.hold("ann", "run", "examples", 101)
    assert shelf.used("ann") == SIZE + 100
    with pytest.raises(UserDataError, match="Forget an upload"):
        shelf.keep("ann", "run", prepared(2))
    shelf.hold("bob", "other", "examples", SIZE + 100)
    with pytest.raises(UserDataError, match="all visitors fill this server"):
        shelf.hold("eve", "third", "examples", 101)
    shelf.hold("ann", "run", "examples", 0)
    assert shelf.used("ann") == SIZE
    shelf.sweep({"run"}.__contains__)
    assert shelf.size == SIZE
