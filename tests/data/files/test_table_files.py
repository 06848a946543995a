"""Tables from text files: the formats of many programs give the same columns."""

from __future__ import annotations

import contextlib
import gzip
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from data.files.table_files import _parsed_plain, read_table, reading_options
from data.files.table_layout import Frame, Layout
from data.files.user_data import UserDataError

ROWS = [("1.5", "red", "yes"), ("-2.25", "grün", "no"), ("", "red", "yes"), ("1e2", "", "no")]


def spelled(separator=",", decimal=".", end="\n", head=("size", "color", "buy")) -> str:
    lines = [head, *((number.replace(".", decimal), *words) for number, *words in ROWS)]
    return end.join(separator.join(line) for line in lines) + end


SPELLINGS = {
    "comma": spelled().encode(),
    "semicolon": spelled(";").encode(),
    "tab": spelled("\t").encode(),
    "bar": spelled("|").encode(),
    "decimal commas": spelled(";", ",").encode(),
    "decimal commas and tabs": spelled("\t", ",").encode(),
    "windows": spelled(end="\r\n").encode(),
    "old mac": spelled(end="\r").encode(),
    "byte order mark": b"\xef\xbb\xbf" + spelled().encode(),
    "utf-16": spelled().encode("utf-16"),
    "utf-16 without a mark": spelled().encode("utf-16-le"),
    "windows-1252": spelled().encode("cp1252"),
    "gzip": gzip.compress(spelled().encode()),
    "no last line end": spelled().encode().rstrip(),
    "blank lines": spelled(end="\n\n").encode(),
    "quotes": spelled().replace("red", '"red"').replace("1.5", '"1.5"').encode(),
    "spaces": spelled(" , ").encode(),
    "other gaps": spelled().replace("\n,", "\nN/A,").replace(",,", ",null,").encode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_gives_the_same_columns(spelling):
    table = read_table(SPELLINGS[spelling])
    assert (table.names, table.header, table.rows) == (["size", "color", "buy"], True, 4)
    size, color, buy = table.columns
    np.testing.assert_array_equal(size.values, [1.5, -2.25, np.nan, 100])
    assert (size.categories, size.distinct, size.gaps.tolist()) == ((), 3, [False, False, True, False])
    assert (color.categories, color.values.tolist()) == (("grün", "red"), [1, 0, 1, -1])
    assert (buy.categories, buy.values.tolist()) == (("no", "yes"), [1, 0, 1, 0])


def test_a_table_without_a_header_gets_default_names():
    table = read_table(b"1,2\n3,4\n")
    assert (table.names, table.header, table.rows) == (["column 1", "column 2"], False, 2)
    table = read_table(b"1,2\n3,4\n", Layout(header=1))
    assert (table.names, table.header, table.rows) == (["1", "2"], True, 1)
    table = read_table(b"a,b\nc,d\n", Layout(header=0))
    assert (table.header, table.rows) == (False, 2)


def test_repeated_and_missing_names_become_unique():
    assert read_table(b"a,,a,a\n1,2,3,4\n").names == ["a", "column 2", "a (2)", "a (3)"]


def test_names_and_words_stay_as_they_are():
    table = read_table(b'"<b>x</b>",' + b"y" * 100 + b"\n<i>,1\n<u>,2\n")
    assert table.names == ["<b>x</b>", "y" * 100]
    assert table.columns[0].categories == ("<i>", "<u>")


def test_numbers_that_are_no_measurements_are_gaps():
    (a, _) = read_table(b"a,b\n1,1\ninf,1\n-1e999,1\n1e31,1\nnan,1\n").columns
    np.testing.assert_array_equal(a.values, [1] + [np.nan] * 4)


def test_one_word_among_numbers_makes_the_column_categorical():
    (a, _) = read_table(b"a,b\n1,1\nmany,1\n3,1\n").columns
    assert a.categories == ("1", "3", "many")


def test_numbers_as_categories_are_sorted_numerically():
    (a, _) = read_table(b"a,b\n10,1\n9,1\n,1\n10,1\n").columns
    words = a.as_categories()
    assert (words.categories, words.values.tolist()) == (("9", "10"), [1, 0, -1, 1])
    assert words.as_categories() is words


def test_a_line_break_in_quotes_is_part_of_its_cell():
    assert read_table(b'a,b\n"one\ntwo",1\nx,2\n').columns[0].categories == ("one\ntwo", "x")


@given(st.binary(max_size=200) | st.text("a1,.;\"'\n\r\t\0é|", max_size=80).map(str.encode))
def test_any_bytes_give_a_table_or_a_sentence(content):
    with contextlib.suppress(UserDataError):  # no other exception
        table = read_table(content)
        assert table.rows >= 1
        assert len({len(column.values) for column in table.columns}) == 1
        assert len(set(table.names)) == len(table.names) >= 2


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("a,b,c\n1,2,x\n3,4\n5,9\n6,7,\n8,9,y\n", 2),
        ('a,b,c\n1,2,"x, y"\n3,"4, 5"\n5,6,z\n5,6,z\n', 1),
        ("a;b;c\n1;2;\n\n3;4;z\n5;6;\n7;8;z\n", 0),
        ('a,b,c\r\n1,2,"x\r\n, y"\r\n\r\n3,4\r\n5,6,z\r\n5,"say ""6, 7""",\r\n', 1),
        ("a b c\n1 2 3\n4 5\n7 8 9\n7 8 9\n7 8 9\n", 1),
    ],
)
def test_rows_with_too_few_cells_are_said(text, short):
    said = [note for note in read_table(text.encode()).notes if "fewer cells than the others" in note]
    assert [int(note.split()[0]) for note in said] == ([short] if short else [])


def test_progress_goes_from_nothing_towards_all():
    shares: list[float] = []
    read_table(b"a,b,c\n" + b"1,2,3\n" * 20, progress=shares.append)
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert 0.5 < shares[-1] <= 1


CELLS = st.text("a1 -é;#'", max_size=4)
ROWS_OF_TWO = st.lists(CELLS, min_size=2, max_size=2).map(",".join)


@given(
    st.lists(ROWS_OF_TWO, min_size=1, max_size=6),
    st.lists(st.sampled_from(["", " ", "a", "1,2,3"]), max_size=1),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.randoms(),
)
def test_plain_rows_are_parsed_alike_by_both_parsers(rows, others, end, order):
    assume(end != "\r" or others != [""])  # pandas takes the row below such a line for a part of it
    order.shuffle(lines := rows + others)
    body = (end.join(lines) + order.choice(["", end])).encode()
    frame = Frame(Layout("utf-8", ",", header=0, quote='"', escape=""), ("", ""), 0, 1, 2, (), ())
    cells = _parsed_plain(body, frame, 2, most=100)
    assert (cells is None) == bool(set(others) & {" ", "a", "1,2,3"})
    if cells is not None:
        other = pd.read_csv(io.BytesIO(body), **reading_options(frame.layout, 2))
        for column in (0, 1):
            assert cells[column].str.strip().tolist() == other[column].str.strip().tolist()
