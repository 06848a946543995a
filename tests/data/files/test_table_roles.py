"""From a table to examples: proposals, choices, and the treatment of gaps and words."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from data import load
from data.files import user_data
from data.files.dataset_csv import as_csv
from data.files.table_files import Table, read_table
from data.files.table_roles import GAP_RULES, Choices, prepare_table, propose, tasks, unfit
from data.files.user_data import UserDataError


def table(rows: int = 60) -> Table:
    """id, a number with gaps, words with gaps, a remark, an empty column, and two targets."""
    draw = np.random.default_rng(3)
    lines = ["id,length,color,remark,nothing,price,species"]
    for i in range(rows):
        length = "" if i % 7 == 0 else f"{draw.normal(5, 2):.2f}"
        color = ("red", "green", "", "red")[i % 4]
        lines.append(f"{i},{length},{color},note {i % 55},,{draw.normal(100, 9):.1f},{('ab', 'cd', 'ef')[i % 3]}")
    return read_table("\n".join(lines).encode())


def choose(**changes) -> Choices:
    return Choices(**{"target": "species", "features": ("length", "color"), "task": "classification", **changes})


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_uninformative_columns_are_not_proposed():
    t = table()
    assert propose(t) == choose(features=("length", "color", "price"))
    assert unfit(t.column("id")) == "it numbers the rows"
    assert unfit(t.column("remark")) == "it has 55 different values, such as names, dates or text"
    assert unfit(t.column("nothing")) == "it is empty"
    assert unfit(t.column("length")) == ""


def test_the_proposed_task_fits_the_column():
    t = table()
    assert tasks(t.column("species")) == ("classification",)
    assert tasks(t.column("price")) == ("classification", "regression")
    assert propose(t, "price").task == "regression"
    assert propose(t, "price", "classification").task == "classification"
    few = read_table(("a,grade\n" + "".join(f"{i % 9},{i % 3}\n" for i in range(40))).encode())
    assert propose(few) == Choices("grade", ("a",), "classification")


def test_words_are_one_hot_encoded_and_gaps_kept():
    p, said = prepare_table(table(), choose(), "x.csv")
    assert p.feature_names == ("length", "color = green", "color = red")
    assert (p.groups, p.class_names, p.target) == (((1, 3),), ("ab", "cd", "ef"), "species")
    assert p.y.tolist() == [0, 1, 2] * 20
    assert np.isnan(p.x[0, 0])
    np.testing.assert_array_equal(p.x[:4, 1:], [[0, 1], [1, 0], [np.nan, np.nan], [0, 1]])
    assert said[0] == "60 rows and 3 inputs from 2 columns are used."
    assert said[1] == f"24 gaps: {GAP_RULES['fill'].sentence}"


def test_gaps_are_filled_from_the_training_part_only():
    p, _ = prepare_table(table(), choose(), "x.csv")
    d = load("table", own=user_data.save(p), rng=rng())
    there = ~np.isnan(p.x[:, 0])
    lengths = d.x_train[:, 0] * d.x_scale[0] + d.x_mean[0]
    known = [v for v in lengths if np.isclose(v, p.x[there, 0], atol=1e-5).any()]
    middle = np.median(known)
    filled = np.concatenate([lengths, d.x_test[:, 0] * d.x_scale[0] + d.x_mean[0]])
    gaps = filled[~np.isclose(filled[:, None], p.x[there, 0], atol=1e-5).any(axis=1)]
    assert len(gaps) >= 1
    np.testing.assert_allclose(gaps, middle, atol=1e-4)
    np.testing.assert_array_equal(np.concatenate([d.x_train, d.x_test])[:, 1:].sum(axis=1), np.ones(60))


def test_numbers_are_standardized_and_categories_stay_0_and_1():
    d = load("table", own=user_data.save(prepare_table(table(), choose(), "x.csv")[0]), rng=rng())
    assert d.x_train[:, 0].mean() == pytest.approx(0, abs=1e-6)
    assert d.x_train[:, 0].std() == pytest.approx(1, abs=1e-6)
    assert set(np.unique(d.x_train[:, 1:])) == {0, 1}
    assert (d.kind, d.class_names, d.x_train.dtype) == ("classification", ("ab", "cd", "ef"), np.float32)


def test_a_gap_can_be_marked():
    p, _ = prepare_table(table(), choose(gaps="mark"), "x.csv")
    assert p.feature_names == ("length", "length (missing)", "color = green", "color = red", "color = (missing)")
    assert p.groups == ((1, 2), (2, 5))
    np.testing.assert_array_equal(p.x[:, 1], np.isnan(p.x[:, 0]))
    np.testing.assert_array_equal(p.x[:, 2:].sum(axis=1), np.ones(60))


def test_rows_with_gaps_can_be_left_out_and_are_counted():
    p, said = prepare_table(table(), choose(gaps="drop"), "x.csv")
    assert not np.isnan(p.x).any()
    assert said[0] == "22 rows with a gap are left out."
    assert len(p.y) == 38


def test_rows_without_target_or_alone_in_a_class_are_dropped():
    text = "a,b,species\n" + "".join(f"{i % 5},{i % 3},{'xy'[i % 2]}\n" for i in range(20)) + "1,1,\n1,1,alone\n"
    p, said = prepare_table(read_table(text.encode()), choose(features=("a", "b")), "x.csv")
    assert said[:2] == ["1 row without a target is left out.", "1 row whose class occurs only once is left out."]
    assert (len(p.y), p.class_names) == (20, ("x", "y"))


def test_numbers_are_predicted_in_their_own_units():
    t = table()
    p, _ = prepare_table(t, choose(target="price", task="regression", features=("length", "species")), "x.csv")
    d = load("table", own=user_data.save(p), rng=rng())
    assert (d.kind, d.classes) == ("regression", 0)
    both = np.concatenate([d.to_units(d.y_train), d.to_units(d.y_test)])
    np.testing.assert_allclose(np.sort(both), np.sort(t.column("price").values), rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"target": "nope"}, "There is no column nope"),
        ({"features": ()}, "No feature is chosen"),
        ({"features": ("species",)}, "No feature is chosen"),
        ({"features": ("remark",)}, "The feature remark has 55 different values; at most 50 are allowed."),
        ({"task": "regression"}, "The column species holds words"),
        ({"target": "remark"}, "has 55 classes; 2 to 50 are allowed"),
        ({"target": "nothing", "task": "regression"}, "Only 0 rows can be used"),
        ({"target": "nothing"}, "Only 0 rows can be used"),
    ],
)
def test_invalid_choices_are_refused_with_a_sentence(changes, sentence):
    with pytest.raises(UserDataError, match=sentence):
        prepare_table(table(60), choose(**changes), "x.csv")


def test_too_many_inputs_or_values_are_refused_before_allocation():
    words = [f"w{i}" for i in range(50)]
    names = [f"c{i}" for i in range(45)]
    rows = (",".join([*(words[(i + j) % 50] for j in range(45)), str(i % 2)]) for i in range(100))
    wide = read_table(("\n".join([",".join([*names, "target"]), *rows])).encode())
    with pytest.raises(UserDataError, match="The features make 2,250 inputs; at most 2,000 are allowed"):
        prepare_table(wide, propose(wide), "x.csv")
    rows = (",".join([*(words[(i + j) % 50] for j in range(10)), str(i % 2)]) for i in range(9000))
    long = read_table(("\n".join([",".join([*names[:10], "target"]), *rows])).encode())
    with pytest.raises(UserDataError, match="9,000 rows of 500 inputs are too many; 4,000,000 values are allowed"):
        prepare_table(long, propose(long), "x.csv")


def test_the_exported_data_set_reads_back():
    lines = ["=cmd(),@sum,species", *(f"{i % 5}.5,+x{i // 2 % 2},-{'ab'[i % 2]}" for i in range(20))]
    t = read_table("\n".join(lines).encode())
    p, _ = prepare_table(t, propose(t), "x.csv")
    d = load("table", own=user_data.save(p), rng=rng())
    head, *rows = csv.reader(io.StringIO(as_csv(d, p.target)))
    assert head == ["part", "species", "'=cmd()", "'@sum = +x0", "'@sum = +x1"]
    assert sorted(row[0] for row in rows) == ["test"] * 5 + ["train"] * 15
    assert {row[1] for row in rows} == {"'-a", "'-b"}
    assert sorted({row[2] for row in rows}) == ["0.5", "1.5", "2.5", "3.5", "4.5"]
    assert not any(cell[:1] in "=+-@" for row in [head, *rows] for cell in row)
