"""Uploaded data in its folder: named by a fingerprint, read by other processes, and deleted when forgotten."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from data import get_source, load
from data.files import user_data
from data.files.user_data import PreparedData
from data.names import MAX_NAME_CHARACTERS, clean, unique


@pytest.fixture(autouse=True)
def place():
    with user_data.new_folder() as folder:
        yield folder


def prepared(seed: int = 1, **changes) -> PreparedData:
    draw = np.random.default_rng(seed)
    p = PreparedData("table", "x.csv", "classification", draw.normal(size=(40, 3)), np.arange(40) % 2, ("a", "b", "c"),
                 ("no", "yes"), "buy", ((1, 3),))  # fmt: skip
    return dataclasses.replace(p, **changes)


def test_saved_data_is_read_back_read_only(place):
    p = prepared()
    name = user_data.save(p)
    q = user_data.read(name)
    np.testing.assert_array_equal(q.x, p.x)
    np.testing.assert_array_equal(q.y, p.y)
    assert dataclasses.replace(q, x=p.x, y=p.y).__dict__ == p.__dict__
    assert not q.x.flags.writeable
    assert [file.name for file in place.iterdir()] == [f"{name}.npz"]


def test_the_fingerprint_depends_on_data_and_metadata():
    name = user_data.save(prepared())
    assert user_data.save(prepared()) == name
    assert user_data.FINGERPRINT.fullmatch(name)
    others = (
        prepared(2),
        prepared(target="sell"),
        prepared(groups=()),
        prepared(class_names=("yes", "no")),
        prepared(x=prepared().x.reshape(20, 6), y=prepared().y[:20], feature_names=tuple("abcdef")),
    )
    assert len({name, *map(user_data.save, others)}) == 6


def test_the_source_describes_the_uploaded_data():
    source = get_source("table", own=user_data.save(prepared()))
    assert (source.name, source.label, source.kind) == ("table", "Your table: x.csv", "classification")
    assert (source.samples, source.inputs, source.classes, source.plane) == (40, 3, 2, False)


def test_pictures_are_a_data_set_like_others():
    x = np.random.default_rng(0).integers(0, 256, (40, 36)).astype(np.uint8)
    p = prepared(dataset="own_images", x=x, feature_names=user_data.pixel_names(6), groups=(), image_shape=(6, 6))
    d = load("own_images", own=user_data.save(p), rng=np.random.default_rng(1))
    assert (d.image_shape, d.images_test.shape, d.x_train.shape) == ((6, 6), (10, 6, 6), (30, 36))


def test_another_process_finds_the_folder():
    code = f"from data.files import user_data; print(user_data.read('{user_data.save(prepared())}').feature_names)"
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], capture_output=True, text=True)
    assert done.stdout == "('a', 'b', 'c')\n"


def test_what_is_forgotten_is_gone(place):
    name = user_data.save(prepared())
    user_data.forget(name)
    user_data.forget(name)
    assert not user_data.known(name)
    assert list(place.iterdir()) == []
    with pytest.raises(ValueError, match=r"^This data is no longer on this server: .* page Data\.$"):
        user_data.read(name)


@pytest.mark.parametrize("name", ["", "a" * 31, "a" * 33, "../" + "a" * 29, "A" * 32, "a" * 32 + "\n", "/etc/passwd"])
def test_an_invalid_fingerprint_is_refused(name):
    assert not user_data.known(name)
    with pytest.raises(ValueError, match="no longer on this server"):
        user_data.path(name)


def test_a_damaged_file_counts_as_missing():
    name = user_data.save(prepared(3))
    user_data.path(name).write_bytes(b"damaged")
    with pytest.raises(ValueError, match="upload the file again"):
        user_data.read(name)


def test_a_folder_is_removed_with_its_content(monkeypatch, tmp_path):
    monkeypatch.setenv(user_data.FOLDER_VARIABLE, str(tmp_path))
    with user_data.new_folder() as folder:
        user_data.save(prepared())
        assert folder.parent == tmp_path
        assert user_data.folder() == folder
    assert list(tmp_path.iterdir()) == []
    assert user_data.folder() == tmp_path


def test_names_are_cleaned_of_markup_and_control_characters():
    assert clean(" <b>a\n\tb\x00</b>\u202e ") == "‹b›a b ‹/b›"
    assert clean("\x07", "nothing") == "nothing"
    assert len(clean("x" * 1000)) == MAX_NAME_CHARACTERS
    assert unique(["a", "a", "b", "a (2)", "a"]) == ["a", "a (2)", "b", "a (2) (2)", "a (3)"]


KILLED = """
import os, signal, sys
sys.path.insert(0, ".")
from data.files import user_data
with user_data.new_folder() as folder:
    (folder / "0.upload").write_bytes(b"a pupil's table")
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")
def test_what_a_killed_server_left_is_removed_at_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    environment.pop(user_data.FOLDER_VARIABLE, None)
    done = subprocess.run([sys.executable, "-c", KILLED], env=environment, capture_output=True, text=True)
    left = Path(done.stdout.strip())
    assert (left / "0.upload").is_file()
    monkeypatch.delenv(user_data.FOLDER_VARIABLE, raising=False)
    with user_data.new_folder() as mine:
        assert not left.exists()
        assert len(list(tmp_path.iterdir())) == 2  # this one and its lock
        with user_data.new_folder() as other:  # one that lives is left alone
            assert mine.is_dir()
        assert not other.exists()
    assert list(tmp_path.iterdir()) == []
