"""The store of kept runs, the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, inspect, select, text, update

from lab.experiment.fields import DEFAULTS
from lab.experiment.replay import Replay
from lab.store.address import StoreError, usual_url
from lab.store.database import connect, writing
from lab.store.kept_run import EVERYONE, MAX_POINTS, Curve, Thumbnail, owner_of
from lab.store.kept_study import KeptStudy
from lab.store.migrations import VERSION_TABLE
from lab.store.search import COLUMNS
from lab.store.store import UNDO_S, Store
from lab.store.tables import CONTENTS, METADATA, RUNS, STUDIES
from tests.lab.helpers import until
from tests.lab.store.kept import ANN, BOB, run

SORTS = ("created", "status", "parent", "loss", *COLUMNS, *DEFAULTS)
ROOT = Path(__file__).parents[3]
PLAIN = ("experiment", "status", "epoch", "steps", "seconds", "score", "last", "best_epoch", "best_loss", "tags",
         "note", "star", "parent", "machine", "fingerprint", "owner")  # fmt: skip


def ids(found) -> list[str]:
    return [each.id for each in found.runs]


def test_a_kept_run_comes_back_whole(make):
    kept = run(1, tags=("a", "ü 1"), note="first\nsecond", star=True, parent="group:rate 1a2b")
    (id,) = make().keep(kept)
    later = make()
    (found,) = later.load([id])
    assert {name: getattr(found, name) for name in PLAIN} == {name: getattr(kept, name) for name in PLAIN}
    assert found.replay == kept.replay
    assert abs(found.created - time.time()) < 1000
    np.testing.assert_array_equal(found.curve.epochs, kept.curve.epochs)
    np.testing.assert_array_equal(found.curve.values, kept.curve.values)
    assert found.curve.values.dtype == np.float32
    np.testing.assert_array_equal(found.thumbnail.levels, kept.thumbnail.levels)
    assert later.thumbnails([id])[id].kind == "value"
    assert ids(later.find(ANN)) == [id]


def test_the_migrations_make_the_tables_of_the_code(store, make):
    make()  # a second start changes nothing
    inspector = inspect(store.engine)
    assert set(inspector.get_table_names()) == {*METADATA.tables, VERSION_TABLE}
    for name, table in METADATA.tables.items():
        found = {column["name"]: bool(column["nullable"]) for column in inspector.get_columns(name)}
        assert found == {column.name: bool(column.nullable) for column in table.columns}
        assert {index["name"] for index in inspector.get_indexes(name)} >= {index.name for index in table.indexes}


def test_a_run_that_is_kept_twice_is_one_run(store):
    first = store.keep(run(1), run(2))
    assert store.keep(run(1)) == first[:1]
    assert store.keep(run(1, owner=BOB)) != first[:1]
    assert store.find(ANN).total == 2
    store.delete(ANN, first)
    assert store.keep(run(2)) == first[1:]  # also one that was deleted
    assert ids(store.find(ANN)) == first[1:]


def test_visitors_see_their_own_runs_and_those_of_everyone(store):
    (a,), (b,), (c,) = store.keep(run(1)), store.keep(run(2, owner=BOB)), store.keep(run(3, owner=EVERYONE))
    assert set(ids(store.find(ANN))) == {a, c}
    assert set(ids(store.find(BOB))) == {b, c}
    assert ids(store.find(ids=[b])) == [b]  # whoever has a link
    for id in (b, c):
        assert not store.update(ANN, id, note="mine")
        assert store.delete(ANN, [id]) == 0
    assert owner_of("cookie") != owner_of("other") != EVERYONE == owner_of("")


def test_a_deleted_run_can_be_restored_until_it_is_removed(store):
    first, second = store.keep(run(1), run(2))
    assert store.delete(ANN, [first, second]) == 2
    assert ids(store.find(ANN)) == [] == list(store.load([first]))
    assert store.restore(ANN, [first]) == 1
    store.prune(time.time() + UNDO_S + 60)
    assert store.restore(ANN, [second]) == 0
    assert ids(store.find(ANN)) == [first]
    assert len(contents(store)) == 1


def contents(store: Store) -> list[str]:
    with store.engine.connect() as connection:
        return list(connection.execute(select(CONTENTS.c.id)).scalars())


def test_the_oldest_without_a_star_make_room(make):
    store = make(runs=3)
    oldest, *others = store.keep(*(run(number, created=1000.0 + number + time.time()) for number in range(3)))
    store.update(ANN, oldest, star=True)
    (latest,) = store.keep(run(9, created=time.time() + 2000))
    assert set(ids(store.find(ANN))) == {oldest, others[1], latest}
    assert set(contents(store)) == {oldest, others[1], latest}
    with pytest.raises(StoreError, match="At most 3 runs"):
        store.keep(*(run(number) for number in range(4)))


def test_old_runs_and_too_many_bytes_are_removed(make):
    now = time.time()
    store = make(days=10, megabytes=0.0105)  # three runs of some 3,300 bytes
    old, *fresh = store.keep(run(1, created=now - 11 * 86400), *(run(n, created=now - 100 + n) for n in range(2, 6)))
    store.prune(now)
    left = set(ids(store.find(ANN)))
    assert old not in left
    assert left == set(fresh[-len(left) :])  # the newest
    assert 0 < len(left) < len(fresh)


SEARCHES = {
    "": {0, 1, 2, 3},
    "spiral": {1},
    "ADAM spiral": {1},
    "adam": {1, 2},
    "learning_rate>0.05": {0, 3},
    "learning_rate<=0.03 optimizer=adam": {1, 2},
    "epoch=7": {3},
    "test_loss>1": {3},
    "status=diverged": {2},
    "star": {1},
    "100%_": {3},
    "nothing": set(),
}


def test_a_search_finds_settings_figures_and_words(store):
    fields = ({"learning_rate": 0.1}, {"dataset": "spiral", "optimizer": "adam"}, {"optimizer": "adam"},
              {"learning_rate": 0.3})  # fmt: skip
    kept = [run(number, fields=each) for number, each in enumerate(fields)]
    kept[1] = replace(kept[1], star=True)
    kept[2] = replace(kept[2], status="diverged")
    kept[3] = replace(kept[3], epoch=7, note="it was 100%_ luck", last=kept[3].last._replace(test_loss=2.0))
    number = dict(zip(store.keep(*kept), range(4), strict=True))
    assert {typed: {number[id] for id in ids(store.find(ANN, text=typed))} for typed in SEARCHES} == SEARCHES


def test_a_search_that_means_nothing_is_refused_with_a_sentence(store):
    for typed in ("password=1", "learning_rate>x", "optimizer>adam", "a " * 20, "owner=b"):
        with pytest.raises(StoreError, match=r"^search: .*allowed"):
            store.find(ANN, text=typed)


def test_every_column_sorts_and_missing_values_come_last(store):
    rates = (0.3, 0.03, 0.1)
    kept = [run(n, fields={"learning_rate": rate, "hidden": (n + 1,)}) for n, rate in enumerate(rates)]
    kept[1] = replace(kept[1], last=kept[1].last._replace(test_loss=None))
    numbers = dict(zip(store.keep(*kept), range(3), strict=True))
    order = lambda sort, down: [numbers[id] for id in ids(store.find(ANN, sort=sort, descending=down))]  # noqa: E731
    for sort in SORTS:
        assert sorted(order(sort, False)) == [0, 1, 2] == sorted(order(sort, True)), sort
    assert (order("learning_rate", False), order("learning_rate", True)) == ([1, 2, 0], [0, 2, 1])
    assert [order(sort, down)[-1] for sort in ("loss", "test_loss") for down in (False, True)] == [1] * 4
    with pytest.raises(StoreError, match=r"^sort: "):
        store.find(ANN, sort="owner")


def test_the_number_of_all_runs_is_told_with_the_first_of_them(store):
    store.keep(*(run(number) for number in range(7)))
    found = store.find(ANN, limit=3)
    assert (len(found.runs), found.total) == (3, 7)


def test_notes_tags_and_stars_are_written_and_searched(store):
    (id,) = store.keep(run(1))
    assert store.update(ANN, id, note="The Best", tags=["good one"], star=True)
    (found,) = store.find(ANN, text="best good star").runs
    assert (found.note, found.tags, found.star) == ("The Best", ("good one",), True)
    assert store.update(ANN, id, note="")
    assert store.find(ANN, text="best").total == 0


def test_texts_have_a_longest_length(store):
    (id,) = store.keep(run(1))
    for given in ({"note": "x" * 2001}, {"tags": ("x" * 41,)}, {"tags": ("",)}, {"tags": ("x",) * 21}, {"note": "\0"}):
        with pytest.raises(StoreError, match="allowed"):
            store.update(ANN, id, **given)
        with pytest.raises(StoreError, match="allowed"):
            store.keep(run(2, **given))
    with pytest.raises(StoreError, match="allowed"):
        store.keep(run(2, thumbnail=Thumbnail("value", np.zeros((65, 2), np.uint8))))


def test_groups_are_counted_and_found(store):
    store.keep(*(run(n, parent=f"group:{'ab'[n % 2]}") for n in range(5)), run(9))
    assert store.parents(ANN) == {"group:a": 3, "group:b": 2}
    assert store.find(ANN, parent="group:b").total == 2


def test_a_rule_belongs_to_one_visitor(store):
    store.set_rule(ANN, "end")
    store.set_rule(ANN, "always")
    assert (store.rule(ANN), store.rule(BOB)) == ("always", "")
    store.set_rule(ANN, "")
    assert store.rule(ANN) == ""


def test_a_long_curve_is_thinned_with_its_ends(store):
    epochs = np.arange(3000)
    long = Curve(epochs, np.tile(epochs.astype(np.float32), (4, 1)))
    (found,) = store.load(store.keep(run(1, curve=long)))
    assert len(found.curve.epochs) == MAX_POINTS
    assert (found.curve.epochs[0], found.curve.epochs[-1]) == (0, 2999)
    np.testing.assert_array_equal(found.curve.values[0], found.curve.epochs)


def test_a_replay_keeps_its_changes(store):
    e = run(1).experiment
    changes = ({"step": 3, "fields": {"learning_rate": 0.3}}, {"step": 5, "edit": [0, -1, 2, 0.5]},
               {"step": 9, "resume": True})  # fmt: skip
    kept = Replay(e, changes, steps=20, way="tape")
    (found,) = store.load(store.keep(run(1, replay=kept)))
    assert found.replay == kept
    assert found.replay.final_experiment == e.change(learning_rate=0.3)


# Many at once ---------------------------------------------------------------------------------------------------------

WRITER = """
import sys
from lab.store.store import Store
from tests.lab.store.kept import run
url, first, count, big = sys.argv[1], *map(int, sys.argv[2:])
store = Store(url)
print("open", flush=True)
sys.stdin.readline()
for number in range(first, first + count):
    print(store.keep(run(number, note="x" * big))[0], flush=True)
"""


def writer(url: str, first: int, count: int, big: int = 10) -> subprocess.Popen:
    words = [sys.executable, "-c", WRITER, url, *map(str, (first, count, big))]
    return subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_writers_in_threads_and_processes_lose_nothing(url, store):
    processes = [writer(url, 1000 * k, 20) for k in range(1, 4)]
    for process in processes:
        assert process.stdout.readline() == "open\n"
    problems: list[Exception] = []

    def write(first: int) -> None:
        try:
            for number in range(first, first + 10):
                store.keep(run(number))
                store.find(ANN, limit=5)
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=write, args=(100_000 + 100 * k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    outputs = [process.communicate("\n")[0].split() for process in processes]
    for thread in threads:
        thread.join()
    assert problems == []
    assert [process.returncode for process in processes] == [0, 0, 0]
    known = {each.id for each in store.find(ANN, limit=1000).runs}
    assert len(known) == 3 * 20 + 8 * 10
    assert known >= {id for output in outputs for id in output}


def test_a_killed_writer_loses_at_most_the_run_it_was_writing(url, store):
    process = writer(url, 1, 100_000, big=2000)
    assert process.stdout.readline() == "open\n"
    process.stdin.write("\n")
    process.stdin.flush()
    told = [process.stdout.readline().strip() for _ in range(20)]
    os.kill(process.pid, signal.SIGKILL)
    told += process.communicate()[0].split()
    left = {each.id for each in store.find(ANN, limit=100_000).runs}
    assert left >= set(told)
    assert len(left) <= len(told) + 1
    assert set(contents(store)) == left
    assert len(store.load(left)) == len(left)
    (another,) = store.keep(run(999_999))  # whoever comes next can write at once
    assert another not in left
    if store.engine.dialect.name == "sqlite":
        with store.engine.connect() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"


def test_stores_that_open_a_new_database_together_all_succeed(url):
    found: list[object] = []

    def begin(number: int) -> None:
        try:
            store = Store(url)
            found.append(store.keep(run(number))[0])
            store.close()
        except Exception as problem:
            found.append(problem)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each for each in found if not isinstance(each, str)] == []
    store = Store(url)
    assert store.find(ANN).total == 6
    store.close()


def test_writers_do_not_wait_for_a_long_read(store):
    store.keep(run(1))
    with store.engine.begin() as connection:
        rows = connection.execution_options(stream_results=True).execute(select(RUNS.c.id))
        assert store.keep(run(2))
        assert len(rows.all()) == 1
    until(lambda: store.find(ANN).total == 2)
    with store.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(RUNS)).scalar_one() == 2


def test_a_press_waits_for_a_writer_but_not_forever(url, monkeypatch):
    monkeypatch.setattr("lab.store.database.WAIT_MS", 200)
    store, other = Store(url), connect(url)
    kept = store.keep(run(1), run(2))
    with writing(other) as connection:
        connection.execute(update(RUNS).values(star=True))
        with pytest.raises(StoreError, match="busy or out of reach"):
            store.delete(ANN, kept)
        with pytest.raises(StoreError, match="busy or out of reach"):
            store.update(ANN, kept[0], note="late")
        assert store.find(ANN).total == 2  # whoever reads does not wait
    with store._turn, pytest.raises(StoreError, match="others write"):  # other threads of this server
        store.delete(ANN, kept)
    assert store.delete(ANN, kept) == 2
    store.close()
    other.dispose()


@pytest.mark.parametrize(
    "address", ["mysql://localhost/x", "sqlite://", "nonsense", "postgresql://", "sqlite:////proc/x/y"]
)
def test_an_address_that_cannot_be_used_gets_a_sentence(address):
    with pytest.raises(StoreError, match=r"allowed: sqlite|cannot be opened"):
        connect(address)


def test_the_sentence_names_the_setting_of_the_address(monkeypatch):
    monkeypatch.setenv("PLAYGROUND_DATABASE", "nonsense")
    with pytest.raises(StoreError, match=r"^PLAYGROUND_DATABASE: This address"):
        Store()
    with pytest.raises(StoreError, match=r"^This address"):  # that of --store, say
        Store("mysql://a")


def test_the_database_is_in_the_folder_of_the_state_or_where_a_setting_says():
    assert usual_url({"PLAYGROUND_STATE": "/state"}) == "sqlite:////state/runs.sqlite3"
    assert usual_url({"PLAYGROUND_DATABASE": "postgresql://a@b/c", "PLAYGROUND_STATE": "/state"}).startswith(
        "postgresql"
    )


# Studies --------------------------------------------------------------------------------------------------------------


def test_studies_are_listed_changed_deleted_and_restored(store):
    store.put_study(KeptStudy("a", ANN, {"trials": 3}))
    store.put_study(KeptStudy("b", ANN, {"trials": 4}))
    store.put_study(KeptStudy("a", ANN, {"trials": 5}, 2, 0.25, True))
    first, second = store.studies(ANN)
    assert (first.name, first.study, first.finished, first.value, first.is_complete) == (
        "a",
        {"trials": 5},
        2,
        0.25,
        True,
    )
    assert (second.name, second.value, second.is_complete) == ("b", None, False)
    assert first.created < second.created < first.changed
    assert not store.studies(BOB)
    assert not store.delete_study(BOB, "a")
    assert store.delete_study(ANN, "a")
    assert [study.name for study in store.studies(ANN)] == ["b"]
    assert store.restore_study(ANN, "a")
    assert len(store.studies(ANN)) == 2


def test_old_studies_deleted_ones_and_too_many_are_removed(make):
    store = make(studies=2)
    for name in "abc":
        store.put_study(KeptStudy(name, ANN, {}))
    store.put_study(KeptStudy("d", BOB, {}))
    store.delete_study(BOB, "d")
    assert [study.name for study in store.studies(ANN)] == ["c", "b"]
    assert store.old_studies(ANN) == ["a"]
    assert store.old_studies(ANN, time.time() + UNDO_S + 1) == ["d", "a"]
    assert set(store.old_studies(BOB, time.time() + 181 * 24 * 3600)) == {*"abcd"}
    store.remove_study("d")
    assert not store.restore_study(BOB, "d")


def test_a_database_of_the_first_version_gets_the_table_of_studies(store, make):
    with store.engine.begin() as connection:
        STUDIES.drop(connection)
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0001'"))
    (id,) = store.keep(run())
    later = make()
    later.put_study(KeptStudy("a", ANN, {}))
    assert (ids(later.find(ANN)), len(later.studies(ANN))) == ([id], 1)
