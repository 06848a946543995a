"""New rows: matched with the columns of the training file, encoded with its recipe, or refused in a sentence."""

from __future__ import annotations

import csv
import dataclasses
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import load
from data.dataset import Dataset
from data.files import unlabeled_rows, user_data
from data.files.picture_tables import read_pictures
from data.files.table_files import read_table
from data.files.table_layout import Layout
from data.files.table_roles import prepare_table, propose
from data.files.unlabeled_rows import UnlabeledRows, UnlabeledRowsError
from data.recipe import InputColumn, Recipe

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
    "too few columns": (b"1\n2\n", "The file has 1 column and no header; it needs 2: a, b."),
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


# With the recipe of a training file ----------------------------------------------------------------------------------


def trained_on(text: str | bytes, layout: Layout | None = None, **choices) -> Dataset:
    """A data set of a table, as the page Data prepares it."""
    table = read_table(text if isinstance(text, bytes) else text.encode(), layout)
    prepared, _ = prepare_table(table, dataclasses.replace(propose(table), **choices), "x.csv")
    return load("table", own=user_data.save(prepared), rng=np.random.default_rng(1))


def people(rows: int = 60) -> str:
    """Ids, numbers with gaps, words with gaps, remarks, and labels with signs."""
    draw = np.random.default_rng(3)
    lines = ["Id,age,work,remark,income"]
    for i in range(rows):
        age = "" if i % 9 == 0 else f"{draw.normal(40, 9):.1f}"
        lines.append(f"{7 * i},{age},{('office', 'farm', '?')[i % 3]},note {i},{('<=50K', '>50K')[i % 2]}")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return trained_on(people()).recipe


def encoded(text: str | bytes, recipe: Recipe, rows: int = 1000) -> tuple[np.ndarray, UnlabeledRows]:
    new = UnlabeledRows(text if isinstance(text, bytes) else text.encode(), recipe, rows=rows)
    return np.concatenate(list(new)), new


def test_the_training_file_is_encoded_as_in_training():
    table = read_table(people().encode())
    prepared, _ = prepare_table(table, propose(table), "x.csv")
    recipe = load("table", own=user_data.save(prepared), rng=np.random.default_rng(1)).recipe
    x, new = encoded(people(), recipe, rows=7)
    gaps = np.isnan(prepared.x)
    assert gaps.any()
    np.testing.assert_array_equal(x[~gaps], prepared.x[~gaps])
    assert not np.isnan(x).any()
    assert new.ids == [str(7 * i) for i in range(60)]


MIDDLE = "middle"  # what fills the gap of a number
SAME = {
    "as in training": "age,work\n30,farm\n,office\n",
    "reordered columns and others": "remark,work,city,age,income\nx,farm,Rome,30,>50K\ny,office,Bonn,,\n",
    "another separator": "age;work\n30;farm\n;office\n",
    "another dialect": "\ufeff\"age\"\t'work'\r\n30\tfarm\r\n\toffice\r\n".replace("'", '"'),
    "a title and units": "Survey of May\n\nage,work\nyears,\n30,farm\n,office\n",
    "names in capitals": "AGE,Work\n30,farm\n,office\n",
    "a gap in another word": "age,work\n30,farm\nN/A,office\n",
    "a word for a number": "age,work\n30,farm\nyoung,office\n",
    "no line of names": "1,30,farm,x,>50K\n2,,office,y,\n",
    "no line of names and no target": "1,30,farm,x\n2,,office,y\n",
    "inputs only, without names": "30,farm\n,office\n",
}


@pytest.mark.parametrize("name", SAME)
def test_new_rows_are_matched_with_the_columns_of_training(name, recipe):
    x, _ = encoded(SAME[name], recipe)
    np.testing.assert_array_equal(x, [[30, 1, 0], [recipe.columns[0].fill, 0, 1]])


def test_an_unknown_word_is_a_gap_and_said(recipe):
    x, new = encoded("Id,age,work,city\n4,30,mine,Rome\n9,old,?,Bonn\n", recipe)
    fill = recipe.columns[1].categories.index(recipe.columns[1].fill)
    np.testing.assert_array_equal(x[:, 1:], np.eye(2)[[fill, fill]])
    assert new.notes == [
        "Ignored: city.",
        "age: 1 cell is no number (“old”) and a gap.",
        "work: 1 cell is no word of the training data (“mine”) and a gap.",
        f"Gaps are filled as in training: age (1: {recipe.columns[0].fill:.6g}), work (2: {recipe.columns[1].fill}).",
    ]


def test_marked_gaps_stay_marked():
    recipe = trained_on(people(), gaps="mark").recipe
    x, new = encoded("age,work\n,mine\n30,farm\n", recipe)
    np.testing.assert_array_equal(x, [[recipe.columns[0].fill, 1, 0, 0, 1], [30, 0, 1, 0, 0]])
    assert new.notes[-1].endswith("and marked), work (1: (missing)).")


def test_rows_without_ids_have_none(recipe):
    _, new = encoded("age,work\n30,farm\n", recipe)
    assert (new.ids, new.heading(True)) == ([], ("Id", "income"))


def test_ids_may_be_new_or_one(recipe):
    _, new = encoded("Id,age,work\n0007,30,farm\n", recipe)
    assert (new.ids, new.heading(True)) == (["0007"], ("Id", "income"))
    text = "age,work,PersonId\n" + "".join(f"30,farm,{90 - i}\n" for i in range(5))
    _, new = encoded(text, recipe)
    assert (new.ids, new.heading(True)[0]) == (["90", "89", "88", "87", "86"], "PersonId")


def test_totals_and_comments_are_no_rows(recipe):
    x, new = encoded("age,work\n# later\n30,farm\n31,farm\n32,office\n93,Total\n", recipe)
    assert len(x) == 3
    assert any("of totals (“Total”)" in note for note in new.notes)


MARKS = {  # of the training file and of a new one; what 12,500 and 0,875 are in it
    "a decimal comma that the new file leaves open": ("x;y\n" + "1,5;2\n2,25;4\n" * 9, "x\n12,500\n", [12.5]),
    "a thousands mark that the new file leaves open": (
        "x\ty\n" + "1,168,000\t2\n829\t4\n" * 9, "x\n12,500\n", [12_500]),
    "a decimal comma of the new file": ("x,y\n" + "1.5,2\n2.25,4\n" * 9, "x;z\n0,875;0\n12,500;1\n", [0.875, 12.5]),
    "a single column of decimal commas": ("x;y\n" + "1,5;2\n2,25;4\n" * 9, "x\n0,875\n-3,25\n", [0.875, -3.25]),
    "whole numbers in training": ("x;y\n" + "745;2\n12;4\n" * 9, "x;z\n1.168;1\n745;0\n", [1168, 745]),
}  # fmt: skip


@pytest.mark.parametrize("name", MARKS)
def test_what_a_new_file_leaves_open_is_read_as_in_training(name):
    text, new, expected = MARKS[name]
    recipe = trained_on(text, target="y", features=("x",), task="regression").recipe
    np.testing.assert_array_equal(encoded(new, recipe)[0][:, 0], expected)


def test_overruled_missing_words_serve_for_new_rows():
    text = "x,y\n" + "1,a\n-99,b\n3,a\n5,b\n" * 5
    recipe = trained_on(text, Layout(missing=("-99",)), features=("x",)).recipe
    np.testing.assert_array_equal(encoded("x\n-99\n7\n", recipe)[0], [[3], [7]])


def test_a_short_file_is_read_in_the_encoding_of_training():
    text = "город,y\n" + "Новосибирск,a\nТула,b\nЯрославль,a\nПетрозаводск,b\n" * 8
    recipe = trained_on(text.encode("cp1251"), features=("город",)).recipe
    assert recipe.encoding == "cp1251"
    x, new = encoded("город\nТула\n".encode("cp1251"), recipe)
    assert x[0].tolist() == [word == "Тула" for word in recipe.columns[0].categories]
    assert new.notes == []


UNNAMED = "3.5 red a\n4.25 blue b\n2.5 red a\n7.75 blue b\n" * 5
OF_UNNAMED = {
    "as in training": "4 blue b\n5 red a\n",
    "without the target": "4 blue\n5 red\n",
    "with names": "size color\n4 blue\n5 red\n",
    "commas": "4,blue\n5,red\n",
    "one row": "4 blue\n",
}


@pytest.mark.parametrize("name", OF_UNNAMED)
def test_a_file_without_names_is_matched_by_its_number_of_columns(name):
    recipe = trained_on(UNNAMED, features=("column 1", "column 2")).recipe
    assert not recipe.header
    x, new = encoded(OF_UNNAMED[name], recipe)
    np.testing.assert_array_equal(x, [[4, 1, 0], [5, 0, 1]][: len(x)])
    assert any("line of names is passed over" in note for note in new.notes) == (name == "with names")


def test_words_of_a_single_row_are_no_names():
    recipe = trained_on(
        "big red a\nsmall blue b\nbig blue a\nsmall red b\n".replace(" ", ",") * 5, features=("column 1", "column 2")
    ).recipe
    assert encoded("big,blue\n", recipe)[0].tolist() == [[1, 0, 1, 0]]


def test_pictures_of_a_table_are_matched_by_its_names():
    draw = np.random.default_rng(2)
    body = "".join(f"{i % 2}," + ",".join(map(str, draw.integers(0, 256, 25))) + "\n" for i in range(20))
    pictures = read_pictures(("digit," + ",".join(f"p{i}" for i in range(25)) + "\n" + body).encode(), "x.csv")
    recipe = load("own_images", own=user_data.save(pictures), rng=np.random.default_rng(1)).recipe
    names = [f"p{i}" for i in range(25)]
    new = ",".join(reversed(names)) + "\n" + ",".join(map(str, range(25))) + "\n"
    assert encoded(new, recipe)[0].tolist() == [list(reversed(range(25)))]
    with pytest.raises(UnlabeledRowsError, match=r"lacks p0, p1, p2, p3 and 21 more; it needs 25 columns: pixel0"):
        encoded("a,b\n1,2\n", recipe)


STARTS = (b"", b"age,work\n", b"age;work\n30;farm\n", b"1,30,farm,x\n", b"\xff\xfe", b"sep=;\n")
CELLS = "age,work;\n\t\"'#0123.-|"


@given(st.binary(max_size=60) | st.text(CELLS, max_size=60).map(str.encode), st.sampled_from(STARTS))
@settings(max_examples=150)
def test_any_bytes_are_encoded_or_refused_in_a_sentence(content, start):
    recipe = Recipe(
        (InputColumn("age", fill=38.5), InputColumn("work", ("farm", "office"), fill="farm")),
        ("Id", "age", "work", "remark", "income"), "income", ("Id",),
    )  # fmt: skip
    try:
        x, new = encoded(start + content, recipe)
    except UnlabeledRowsError as refused:
        said = [str(refused)]
    else:
        said = new.notes
        assert np.isfinite(x).all()
        assert len(new.ids) in (0, len(x))
    assert all(sentence.endswith(".") for sentence in said)


FORGED = {
    "names of other columns": Recipe((InputColumn("a", fill=0.0),), ("x", "y")),
    "a column twice": Recipe((InputColumn("a", fill=0.0), InputColumn("a", fill=0.0)), ("a", "b")),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_recipe_that_contradicts_itself_is_refused(name):
    for content in ("x,y\n1,2\n", "1,2\n3,4\n", "1,2\n"):
        with pytest.raises(UnlabeledRowsError, match=r"^The file (lacks|has) .*\.$"):
            encoded(content, FORGED[name])


def test_a_last_row_of_gaps_is_a_row():
    recipe = Recipe.of_numbers(("a", "b", "c")).with_fill(np.zeros(3))
    text = "No,a,b,c\n" + "".join(f"{i},1,2,3\n" for i in range(20)) + "20,,,\nSource: a survey,,,\n"
    x, new = encoded(text, recipe)
    assert (len(x), new.ids[-1]) == (21, "20")


WORDS_OF_PEOPLE = ("größer", "Öl", "<=50K", "it's", 'a "b"', "=1+1", "Straße 5", "kühl", "x;y", "é, è", "None", "01")


@given(st.data())
@settings(max_examples=40)
def test_any_dialect_of_the_training_rows_is_encoded_alike(data):
    words = data.draw(st.lists(st.sampled_from(WORDS_OF_PEOPLE), min_size=2, max_size=4, unique=True))
    rows = [(i % len(words), round(1.5 + 0.25 * i, 2), i) for i in range(24)]
    separator, decimal = data.draw(st.sampled_from([(",", "."), (";", ","), ("\t", ","), (";", "."), ("|", ".")]))

    def written(order, separator, decimal, encoding, rows):
        lines = [[("word", "size", "id", "y")[i] for i in order]]
        for word, size, number in rows:
            cells = (words[word], str(size).replace(".", decimal), str(number + 10), "ab"[number % 2])
            lines.append([cells[i] for i in order])
        text = io.StringIO()
        csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL).writerows(lines)
        return text.getvalue().encode(encoding)

    content = written((0, 1, 2, 3), separator, decimal, "utf-8", rows)
    dataset = trained_on(content, target="y", features=("word", "size"), task="classification")
    expected, _ = encoded(content, dataset.recipe)
    new_separator, new_decimal = data.draw(st.sampled_from([(",", "."), (";", ","), ("\t", ",")]))
    order, encoding = (
        data.draw(st.permutations(range(4))),
        data.draw(st.sampled_from(["utf-8-sig", "utf-16", "cp1252"])),
    )
    count = data.draw(st.integers(4, 24))
    x, new = encoded(written(order, new_separator, new_decimal, encoding, rows[:count]), dataset.recipe)
    np.testing.assert_array_equal(x, expected[:count])
    assert new.ids == [str(number + 10) for _, _, number in rows[:count]]
