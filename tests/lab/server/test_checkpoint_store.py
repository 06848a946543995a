"""Runs on disk: found by who comes and what the link asks for, bounded, and never a reason to fail."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from lab.protocol.frames import pack
from lab.server.checkpoint_store import Store, claimed, usual_folder

FACTS = {"speed": "epoch", "status": "paused", "epoch": 7, "checkpoint": "token"}
ARRAYS = {"parameters": np.arange(5, dtype=np.float32)}
HOSTILE = ("../../etc/passwd", "a/b", "\x00", "C:\\x", "x" * 10_000, "", "…\ud800".encode(errors="replace").decode())


def make(folder, megabytes=1.0, hours=1.0):
    return Store(folder, megabytes, hours)


def kept(folder) -> list[Path]:
    return sorted(folder.glob("*"))


def test_what_one_life_of_the_server_has_kept_the_next_one_hands_out_once(tmp_path):
    before = make(tmp_path)
    assert before.put("ann", "xor", FACTS, ARRAYS, False)
    assert before.take("ann", "xor") is None  # her run lives; a second tab gets a run of its own
    after = make(tmp_path)
    assert after.take("bob", "xor") is None
    assert after.take("ann", "circle") is None
    facts, arrays = after.take("ann", "xor")
    assert (facts["speed"], facts["status"], facts["epoch"]) == ("epoch", "paused", 7)
    np.testing.assert_array_equal(arrays["parameters"], ARRAYS["parameters"])
    assert after.take("ann", "xor") is None
    after.put("ann", "xor", FACTS, ARRAYS, False)
    assert make(tmp_path).take("ann", "xor") is not None


def test_a_run_that_was_given_back_can_be_had_again_in_the_same_life(tmp_path):
    store = make(tmp_path)
    store.put("ann", "xor", FACTS, ARRAYS, True)
    assert store.take("ann", "xor") is not None
    assert store.take("ann", "xor") is None


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    folder = tmp_path / "state"
    store = make(folder)
    assert store.put(name, name, FACTS, ARRAYS, True)
    assert kept(tmp_path) == [folder]
    (file,) = kept(folder)
    assert len(file.name) == 44
    assert store.take(name, name) is not None


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 40, -6, -16])
def test_a_truncated_checkpoint_is_left_out_and_thrown_away(tmp_path, cut, capsys):
    make(tmp_path).put("ann", "xor", FACTS, ARRAYS, False)
    (file,) = kept(tmp_path)
    file.write_bytes(file.read_bytes()[:cut])
    store = make(tmp_path)
    assert store.take("ann", "xor") is None
    assert store.failures == 1
    assert kept(tmp_path) == []
    assert "saved run cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "header",
    [{}, {"life": "x"}, {"life": "x", "status": "explode", "epoch": 1, "speed": "max"},
     {"life": "x", "status": "idle", "epoch": "1", "speed": "max"},
     {"life": "x", "status": "idle", "epoch": 1, "speed": 1},
     {"life": "x", "status": ["idle"], "epoch": True, "speed": "max"}],
    ids=str,
)  # fmt: skip
def test_a_file_that_says_something_else_is_left_out(tmp_path, header):
    make(tmp_path).put("ann", "xor", FACTS, ARRAYS, False)
    (file,) = kept(tmp_path)
    file.write_bytes(pack(header, ARRAYS))
    assert make(tmp_path).take("ann", "xor") is None


def test_pickled_bytes_are_never_loaded(tmp_path):
    make(tmp_path).put("ann", "xor", FACTS, ARRAYS, False)
    (file,) = kept(tmp_path)
    file.write_bytes(b"cos\nsystem\n(S'touch planted'\ntR.")
    assert make(tmp_path).take("ann", "xor") is None
    assert not Path("planted").exists()


def test_a_full_disk_keeps_the_checkpoint_before(tmp_path, monkeypatch, capsys):
    store = make(tmp_path)
    store.put("ann", "xor", FACTS, ARRAYS, False)

    def full(self, content):
        with self.open("wb") as file:
            file.write(content[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    assert not store.put("ann", "xor", {**FACTS, "epoch": 9}, ARRAYS, False)
    assert store.failures == 1
    assert '"reason": "No space left on device"' in capsys.readouterr().err
    assert len(kept(tmp_path)) == 1  # no part is left lying about
    assert make(tmp_path).take("ann", "xor")[0]["epoch"] == 7


def test_a_folder_that_cannot_be_made_or_written_only_means_that_nothing_is_kept(tmp_path):
    file = tmp_path / "file"
    file.write_text("no folder")
    store = make(file / "state")
    assert not store.put("ann", "xor", FACTS, ARRAYS, False)
    assert store.take("ann", "xor") is None
    assert store.failures >= 1


def test_the_folder_stays_within_its_size_and_the_oldest_goes_first(tmp_path):
    store = make(tmp_path, megabytes=0.01)
    large = {"parameters": np.zeros(1000, np.float32)}
    for number in range(4):
        store.put("ann", str(number), FACTS, large, True)
        for age, file in enumerate(sorted(kept(tmp_path), key=lambda file: -file.stat().st_mtime)):
            os.utime(file, (os.stat(file).st_atime, os.stat(file).st_mtime - 10 * (age + 1)))
    assert sum(file.stat().st_size for file in kept(tmp_path)) <= 10_000
    assert store.take("ann", "0") is None
    assert store.take("ann", "3") is not None
    assert not store.put("ann", "huge", FACTS, {"parameters": np.zeros(10_000, np.float32)}, True)


def test_what_is_too_old_is_not_handed_out_and_goes(tmp_path):
    make(tmp_path).put("ann", "xor", FACTS, ARRAYS, False)
    (file,) = kept(tmp_path)
    os.utime(file, (0, 0))
    store = make(tmp_path)
    assert store.take("ann", "xor") is None
    store.put("bob", "xor", FACTS, ARRAYS, False)
    assert len(kept(tmp_path)) == 1


def test_a_clock_that_jumps_back_loses_nothing(tmp_path):
    make(tmp_path).put("ann", "xor", FACTS, ARRAYS, False)
    (file,) = kept(tmp_path)
    os.utime(file, (4e9, 4e9))  # written in a future that is no more
    assert make(tmp_path).take("ann", "xor") is not None


def test_the_usual_folder_is_a_cache_of_the_user_unless_told_otherwise(monkeypatch, tmp_path):
    assert usual_folder({"PLAYGROUND_STATE": str(tmp_path)}) == tmp_path
    assert usual_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "backprop-playground"


def test_two_servers_do_not_share_a_folder(tmp_path, capfd):
    folder = tmp_path / "state"
    with claimed(folder) as first, claimed(folder) as second, claimed(tmp_path / "other") as apart:
        assert (first, second, apart) == (True, False, True)
    assert "belong to another server" in capfd.readouterr().err
    with claimed(folder) as later:
        assert later


def test_a_folder_that_cannot_be_written_needs_no_claim(tmp_path):
    (tmp_path / "file").write_text("")
    with claimed(tmp_path / "file" / "state") as mine:
        assert mine
