"""A table of points from a file: every supported format, and a sentence for everything else."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.files.point_files import UploadError, as_csv, read_points
from data.sources import hand_drawn

ROWS = [(-5, -4, "a"), (5, 4, "b"), (0, 1, "a"), (1, 2, "b")]
EXPECTED = [[-5, -4, 0], [5, 4, 1], [0, 1, 0], [1, 2, 1]]


def table(separator=",", head="", end="\n", decimal="."):
    rows = (
        separator.join((f"{x:.1f}".replace(".", decimal), f"{y:.1f}".replace(".", decimal), label))
        for x, y, label in ROWS
    )
    return (head + end.join(rows) + end).encode()


@pytest.mark.parametrize(
    "content",
    [
        table(),
        table(";"),
        table("\t"),
        table(";", decimal=","),
        table("\t", decimal=","),
        table(head="x,y,label\n"),
        table(end="\r\n"),
        table(end="\r"),
        b"\xef\xbb\xbf" + table(),
        table(end="\n\n"),
        table(" , "),
        table().replace(b"0.0", b'"0.0"'),
        table().rstrip(),
    ],
    ids=[
        "comma",
        "semicolon",
        "tab",
        "decimal comma",
        "tab, decimal comma",
        "header",
        "windows",
        "old mac",
        "byte order mark",
        "blank lines",
        "spaces",
        "quotes",
        "no last line end",
    ],
)
def test_every_usual_spelling_gives_the_same_points(content):
    upload = read_points(content)
    assert upload.points == EXPECTED
    assert upload.class_names == ["a", "b"]
    assert not upload.stretched


def test_labels_may_be_in_any_language_and_encoding():
    text = "1,1,ärger\n2,2,öl\n3,3,öl\n4,4,ärger\n"
    for encoding in ("utf-8", "latin-1", "utf-16"):
        assert read_points(text.encode(encoding)).class_names == ["ärger", "öl"]


def test_numeric_labels_are_sorted_numerically():
    content = "".join(f"{k},{k},{label}\n" for k, label in enumerate(("10", "9", "10", "9"))).encode()
    assert read_points(content).class_names == ["9", "10"]


def test_columns_in_other_units_are_scaled_to_the_plane():
    upload = read_points(b"1000,0.1,a\n3000,0.2,b\n2000,0.3,a\n2500,0.2,b\n")
    assert upload.stretched
    np.testing.assert_allclose(np.array(upload.points)[:, :2], [[-5, -5], [5, 0], [0, 5], [2.5, 0]])


def test_a_constant_column_is_centered():
    assert {row[1] for row in read_points(b"1,7,a\n2,7,b\n3,7,a\n4,7,b\n").points} == {0.0}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\0\1\2", "not plain text"),
        (b"1,2,a\n" * 2002, "2,002 points"),
        (b"x" * 1_000_001, "1,000,001 bytes"),
        (b"1,2\n3,4\n", "has 2 columns"),
        (b"1,2,a,b\n", "has 4 columns"),
        (b"1,2,\n", "has 2 columns"),
        (b"x,y,label\n", "has no rows"),
        (b"1,2,a\nx,3,b\n", "Row 2 does not start"),
        (b"1,nan,a\n2,2,b\n", "Row 1"),
        (b"1,1e400,a\n1,2,b\n", "Row 1"),
        (b"1,inf,a\n1,2,b\n", "Row 1"),
        (b"1,2,a\n3,4,a\n", "one label only"),
        (b"1,2,a\n3,4,b\n3,4,b\n", "the label a only once"),
        (b"".join(b"1,2,%d\n" % k for k in range(6)), "6 different labels"),
        (b"1,2," + b"a" * 10_001, "longer than the 10,000 characters"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_invalid_content_is_refused_in_one_sentence(content, words):
    with pytest.raises(UploadError, match=words) as refusal:
        read_points(content)
    assert str(refusal.value).endswith(".")
    assert len(str(refusal.value)) < 250


@given(st.binary(max_size=200) | st.text(alphabet='012.,;\tab\n"-e', max_size=200).map(str.encode))
def test_any_bytes_give_valid_points_or_a_sentence(content):
    try:
        upload = read_points(content)
    except UploadError:
        return
    assert hand_drawn.problem(hand_drawn.pack(upload.points)) == ""


def test_exported_points_are_numbers_and_read_back():
    places = np.array([row[:2] for row in EXPECTED], float)
    text = as_csv(places, np.array([row[2] for row in EXPECTED]))
    head, *rows = csv.reader(io.StringIO(text))
    assert head == ["x1", "x2", "label"]
    assert all(float(cell) is not None for row in rows for cell in row)
    assert read_points(text.encode()).points == EXPECTED


def test_the_exported_part_column_is_ignored_on_import():
    places = np.array([row[:2] for row in EXPECTED], float)
    parts = {"train": 2, "validation": 1, "test": len(EXPECTED) - 3}
    text = as_csv(places, np.array([row[2] for row in EXPECTED]), parts)
    head, *rows = csv.reader(io.StringIO(text))
    assert head == ["x1", "x2", "label", "part"]
    assert [row[3] for row in rows] == ["train"] * 2 + ["validation"] + ["test"] * (len(EXPECTED) - 3)
    assert read_points(text.encode()).points == EXPECTED


def test_regression_targets_are_written_unchanged():
    assert as_csv(np.array([[1.5, -2]]), np.array([0.25])) == "x1,x2,label\n1.5,-2,0.25\n"


def test_what_was_passed_over_is_said():
    upload = read_points(b"# a logger's file\nx,y,kind\n1,2,a\n2,3,b\n\n3,4,a\n4,5,b\n")
    assert len(upload.points) == 4
    assert any("#" in sentence or "comment" in sentence for sentence in upload.notes)
    assert read_points(b"1,2,a\n2,3,b\n3,4,a\n4,5,b\n").notes == ()
