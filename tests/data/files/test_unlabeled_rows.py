"""Examples without labels: detected columns, and the sentence for a file that does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from data.files import unlabeled_rows
from data.files.unlabeled_rows import UnlabeledRows, UnlabeledRowsError
from data.recipe import Recipe

NUMBERS = np.array([[1, 2], [3, 4.5]])
READ = {
    "names": (b"a,b\n1,2\n3,4.5\n", []),
    "another order and more columns": (b"b,label,a\n2,x,1\n4.5,y,3\n", ["label"]),
    "no names": (b"1,2\n3,4.5\n", []),
    "semicolons and decimal commas": (b"a;b\n1;2\n3;4,5\n", []),
    "tabs": (b"a\tb\r\n1\t2\r\n3\t4.5\r\n", []),
    "a title, units and thousands": (b"Survey 2023;\na;b\nkm;s\n1;2\n3;4,5\n", []),
    "a separator at each end": (b"a,b,\n1,2,\n3,4.5,\n", []),
    "an encoding of Windows": ("a,größe,b\n1,öde,2\n3,süß,4.5\n".encode("cp1252"), ["größe"]),
    "a mark and quotes": (b'\xef\xbb\xbf"a","b"\n1,2\n3,4.5', []),
}


def read(content, columns=("a", "b"), **options):
    sheet = UnlabeledRows(content, Recipe.of_numbers(columns, **options))
    return np.concatenate(list(sheet)), sheet.left_out


@pytest.mark.parametrize("name", READ)
def test_a_file_is_read_by_its_columns(name):
    content, left_out = READ[name]
    values, unused = read(content)
    np.testing.assert_array_equal(values, NUMBERS)
    assert unused == left_out


@pytest.mark.parametrize("first", [0, 1])
def test_pixels_may_be_numbered_as_kaggle_does(first):
    content = f"pixel{first},pixel{first + 1}\n0,255\n3,4\n".encode()
    np.testing.assert_array_equal(read(content, ("pixel_0_0", "pixel_0_1"), pixels=True)[0], [[0, 255], [3, 4]])


def test_pieces_are_no_longer_than_asked_for():
    pieces = list(UnlabeledRows(b"a,b\n" + b"1,2\n" * 25, Recipe.of_numbers(("a", "b")), rows=10))
    assert [len(piece) for piece in pieces] == [10, 10, 5]


REFUSED = {
    "nothing": (b"", "The file is empty; a line of names and rows of values are allowed."),
    "zeros": (b"a,b\n\0\0", "The file is not plain text; CSV in UTF-8"),
    "names only": (b"a,b\n", "The table has no rows; a line of names and rows of values are allowed."),
    "a missing column": (b"a,c\n1,2\n", "The file lacks b; it needs 2 columns: a, b."),
    "too few columns": (b"1\n2\n", "The file has 1 columns and no header; it needs 2: a, b."),
    "a word": (b"a,b\n1,2\n3,four\n", "Row 2, column 2 holds 'four'; allowed: numbers."),
    "a gap": (b"a,b\n1,\n", "Row 1, column 2 holds ''; allowed: numbers."),
    "infinity": (b"a,b\n1,inf\n", "Row 1, column 2 holds 'inf'; allowed: numbers."),
    "a longer row": (b"a,b\n1,2\n3,4,5\n", "Line 3 has another number of columns; rows of 2 cells are allowed."),
    "one endless line": (b"a," + b"1" * 200_000, "A cell is longer than the 10,000 characters"),
    "many columns": (b",".join([b"1"] * 6000) + b"\n", "The table has 6,000 columns; at most 5,000 can be read."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_does_not_fit_is_refused(name):
    content, sentence = REFUSED[name]
    with pytest.raises(UnlabeledRowsError) as refused:
        read(content)
    assert str(refused.value).startswith(sentence)
    assert str(refused.value).endswith(".")


def test_a_pixel_beyond_white_is_refused():
    with pytest.raises(UnlabeledRowsError, match=r"Row 1, column 2 holds '256'; allowed: numbers from 0 to 255\."):
        read(b"pixel0,pixel1\n0,256\n", ("p", "q"), pixels=True)


def test_long_files_are_refused(monkeypatch):
    monkeypatch.setattr(unlabeled_rows, "MAX_ROWS", 3)
    with pytest.raises(UnlabeledRowsError, match="more than 3 rows"):
        read(b"1,2\n" * 4)
    monkeypatch.setattr(unlabeled_rows, "MAX_BYTES", 5)
    with pytest.raises(UnlabeledRowsError, match="at most 5 are allowed"):
        read(b"1,2\n" * 4)
