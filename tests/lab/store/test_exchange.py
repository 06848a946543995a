"""Kept runs as a file: what is exported is imported, and a hostile file gets one sentence."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from lab.experiment.replay import Replay
from lab.store.address import StoreError
from lab.store.exchange import MAX_FILE_MB, MAX_LINE_BYTES, MAX_RUNS, export, read
from lab.store.kept_run import EVERYONE
from lab.store.store import Store
from tests.lab.store.kept import ANN, BOB, run


@pytest.fixture(scope="module")
def content() -> bytes:
    e = run(1).experiment
    replay = Replay(e, ({"step": 3, "fields": {"l2": 0.1}},), steps=15)
    changed = run(1, fields={"learning_rate": 0.1, "seed": 1, "l2": 0.1}, replay=replay)
    return export([changed, run(2, thumbnail=None, replay=None, note="ü", tags=("a",), star=True, parent="group:x")])


def lines(content: bytes) -> list:
    return [json.loads(line) for line in gzip.decompress(content).splitlines()]


def packed(values: list) -> bytes:
    return gzip.compress(b"\n".join(json.dumps(line).encode() for line in values))


def test_exported_runs_are_imported_by_another_visitor_elsewhere(content, tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'other.sqlite3'}")
    first, second = store.load(store.keep(*read(content, BOB)))
    assert store.find(BOB).total == 2
    assert store.find(ANN).total == 0
    assert first.replay.changes == ({"step": 3, "fields": {"l2": 0.1}},)
    np.testing.assert_array_equal(first.curve.values, run(1).curve.values)
    np.testing.assert_array_equal(first.thumbnail.levels, run(1).thumbnail.levels)
    assert (second.note, second.tags, second.star, second.parent) == ("ü", ("a",), True, "group:x")
    assert second.thumbnail is None is second.replay
    store.keep(*read(content, BOB))
    assert store.find(BOB).total == 2  # a second import adds nothing
    assert store.find(EVERYONE).total == 0
    store.close()


def test_a_run_of_uploaded_data_that_is_gone_is_imported(content):
    values = lines(content)[:2]
    gone = {"dataset": "table", "own": "a" * 32}
    values[1]["experiment"] |= gone
    values[1]["replay"] = None
    (found,) = read(packed(values), ANN)
    assert found.experiment.own == "a" * 32


@pytest.mark.parametrize(
    "bytes_",
    [
        b"", b"x", b"\x1f\x8b", gzip.compress(b""), gzip.compress(b"[]"), gzip.compress(b"{}\n{}"),
        gzip.compress(b'{"format":'), gzip.compress(b"[" * 100_000), gzip.compress(b"\xff\xfe"),
        gzip.compress(b'{"format": "backprop-playground-runs", "version": 2}'), bytes((MAX_FILE_MB << 20) + 1),
        gzip.compress(b" " * (MAX_LINE_BYTES + 1)),
    ],
    ids=range(12),
)  # fmt: skip
def test_what_is_no_file_of_runs_gets_one_sentence(bytes_):
    with pytest.raises(StoreError, match=r"^(This|A run of this)") as caught:
        read(bytes_, ANN)
    assert "\n" not in str(caught.value)


def test_a_truncated_file_imports_nothing(content):
    for cut in (len(content) // 2, len(content) - 9):
        with pytest.raises(StoreError):
            read(content[:cut], ANN)


HOSTILE = {
    "experiment": [None, [], {}, {"dataset": "x"}, {"hidden": [10**9]}, {"learning_rate": float("nan")}],
    "replay": [[], {}, 3, *(
        {"experiment": {}, "steps": 5, "epochs": 0, "way": "", **wrong}
        for wrong in ({"changes": [], "steps": -1}, {"changes": [{"step": 1, "fields": {"hidden": [1]}}]},
                      {"changes": [{"step": 1, "edit": [0, 0, 0, 1e9]}]}, {"changes": [{"step": 6, "resume": True}]})
    )],
    "status": ["x", None, []],
    "epoch": [-1, 1.5, True, 10**30, None, "1"],
    "seconds": ["1", float("inf"), []],
    "score": ["x", None],
    "last": [None, {"password": 1}, {"test_loss": "x"}, []],
    "best_epoch": [-1, "x"],
    "curve": [None, {}, {"epochs": [0], "type": "object", "values": [[0]] * 4},
              {"epochs": [1, 0], "type": "float32", "values": [[0, 0]] * 4},
              {"epochs": [0], "type": "float32", "values": [[0]] * 3},
              {"epochs": list(range(501)), "type": "float32", "values": [[0] * 501] * 4}],
    "thumbnail": [{}, {"kind": "value", "width": 0, "levels": ""}, {"kind": "x", "width": 1, "levels": "AA=="},
                  {"kind": "value", "width": 3, "levels": "AA=="}, {"kind": "value", "width": 1, "levels": "?"}],
    "tags": [None, [1], ["x" * 41], ["x"] * 21],
    "note": [None, "x" * 2001, "\0", "\ud800"],
    "star": [1, None],
    "parent": ["x" * 121, None],
    "machine": [None, {"a": 1}, {"a": "x" * 101}, {str(n): "" for n in range(30)}],
    "fingerprint": ["x" * 65, None],
    "source": ["x" * 121, 1],
}  # fmt: skip


@pytest.mark.parametrize("field", HOSTILE)
def test_a_hostile_value_is_refused_with_the_number_of_its_run(content, field):
    values = lines(content)[:2]
    for hostile in HOSTILE[field]:
        with pytest.raises(StoreError, match=r"^Run 1 of this file is damaged; nothing was imported"):
            read(packed([values[0], {**values[1], field: hostile}]), ANN)
    del values[1][field]
    with pytest.raises(StoreError, match=r"^Run 1 of this file is damaged"):
        read(packed(values), ANN)


def test_a_file_has_a_largest_number_of_runs(content):
    header, first, _ = lines(content)
    with pytest.raises(StoreError, match=f"{MAX_RUNS:,}"):
        read(packed([header, *[first] * (MAX_RUNS + 1)]), ANN)
