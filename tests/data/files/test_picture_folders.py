"""The folder in which pictures first differ names their class."""

from __future__ import annotations

import pytest

from data.files.picture_folders import folder_classes, is_part


def counts(**folders: int) -> dict[str, int]:
    """A number of pictures for each path; "" is the top of the archive."""
    found = folder_classes([tuple(filter(None, path.split("/"))) for path, n in folders.items() for _ in range(n)])
    return dict(found.counts)


LAYOUTS = {
    "plain": ({"ring": 3, "cross": 4}, {"ring": 3, "cross": 4}),
    "shared root": ({"set/v1/ring": 3, "set/v1/cross": 4}, {"ring": 3, "cross": 4}),
    "folders below the class": (
        {"s/ring/in": 3, "s/ring/out/wet": 2, "s/cross/in": 4, "s/cross": 1}, {"ring": 5, "cross": 5}),
    "stray at the top": ({"": 5, "set/ring": 3, "set/cross": 4}, {"ring": 3, "cross": 4}),
    "stray on the way": ({"set": 5, "set/ring": 3, "set/cross": 4}, {"ring": 3, "cross": 4}),
    "single in a folder beside": ({"preview": 1, "set/ring": 3, "set/cross": 4}, {"ring": 3, "cross": 4}),
    "single in a class": ({"ring": 3, "cross": 4, "disk": 1}, {"ring": 3, "cross": 4}),
    "single in the classes": ({"set/ring": 3, "set/cross": 4, "set/disk": 1, "x": 1}, {"ring": 3, "cross": 4}),
    "parts": ({"train/ring": 3, "train/cross": 4, "valid/ring": 1, "valid/cross": 1}, {"ring": 4, "cross": 5}),
    "part of one class": ({"d/train/ring": 3, "d/train/cross": 4, "d/test/ring": 2}, {"ring": 5, "cross": 4}),
    "part without classes": ({"d/train/ring": 3, "d/train/cross": 4, "d/test": 2}, {"ring": 3, "cross": 4}),
    "part twice": (
        {"seg_train/seg_train/sea": 3, "seg_train/seg_train/ice": 4, "seg_test/seg_test/sea": 2, "seg_pred/pred": 9},
        {"sea": 5, "ice": 4}),
    "part with a folder between": (
        {"Training/images/sea": 3, "Training/images/ice": 4, "Validation/images/sea": 2}, {"sea": 5, "ice": 4}),
    "parts beside other folders": (
        {"train/sea": 3, "train/ice": 4, "test/sea": 2, "examples": 5}, {"sea": 5, "ice": 4}),
    "parts below the class": ({"sea/train": 3, "sea/test": 2, "ice/train": 4}, {"sea": 5, "ice": 4}),
    "only the train part": ({"train/sea": 3, "train/ice": 4}, {"sea": 3, "ice": 4}),
    "parts without folders": ({"train": 3, "test": 4}, {"train": 3, "test": 4}),
    "trains are vehicles": ({"train/ICE": 3, "train/TGV": 3, "bus": 4, "car": 4}, {"train": 6, "bus": 4, "car": 4}),
    "one folder": ({"set/ring": 3, "set": 2}, {"ring": 3}),
    "no folder": ({"": 3}, {}),
    "nothing": ({}, {}),
    "singles only": ({"a": 1, "b": 1}, {"a": 1, "b": 1}),
    "case is kept": ({"Ring": 2, "ring": 2}, {"Ring": 2, "ring": 2}),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_classes_are_where_pictures_first_differ(layout):
    folders, expected = LAYOUTS[layout]
    assert counts(**folders) == expected


def test_parts_are_named():
    found = folder_classes([("train", "a"), ("train", "b"), ("val", "a"), ("val", "b")])
    assert found.parts == ("train", "val")


@pytest.mark.parametrize("name", ["train", "Test", "seg_train", "training_set", "ValidationImages", "val2017", "TEST"])
def test_names_of_parts_are_recognized(name):
    assert is_part(name)


@pytest.mark.parametrize("name", ["trainer", "invalid", "contest", "valley", "rain", "7", ""])
def test_other_names_are_no_parts(name):
    assert not is_part(name)
