"""The recipe from columns to inputs: what it encodes, and what it accepts from outside."""

from __future__ import annotations

import json

import numpy as np
import pytest

from data.recipe import InputColumn, Recipe

LENGTH, COLOR = InputColumn("length"), InputColumn("color", ("green", "red"))
NUMBERS, WORDS = np.array([1.5, np.nan]), np.array([1, -1])
ENCODED = {
    "gaps stay": ((LENGTH, COLOR), [[1.5, 0, 1], [np.nan, np.nan, np.nan]]),
    "gaps are filled": (
        (InputColumn("length", fill=4.0), InputColumn("color", ("green", "red"), fill="green")),
        [[1.5, 0, 1], [4, 1, 0]],
    ),
    "gaps are marked": (
        (InputColumn("length", marked=True, fill=4.0), InputColumn("color", ("green", "red"), marked=True)),
        [[1.5, 0, 0, 1, 0], [4, 1, 0, 0, 1]],
    ),
}


@pytest.mark.parametrize("name", ENCODED)
def test_numbers_and_words_become_inputs(name):
    columns, expected = ENCODED[name]
    np.testing.assert_array_equal(Recipe(columns).encode([NUMBERS, WORDS]), expected)


def test_inputs_have_names_and_groups():
    recipe = Recipe((InputColumn("length", marked=True), InputColumn("color", ("green", "red"), marked=True)))
    assert recipe.input_names == (
        *("length", "length (missing)"),
        *("color = green", "color = red", "color = (missing)"),
    )
    assert (recipe.inputs, recipe.groups) == (5, ((1, 2), (2, 5)))


def test_equal_names_of_inputs_are_numbered():
    recipe = Recipe((InputColumn("a = b"), InputColumn("a", ("b", "c"))))
    assert recipe.input_names == ("a = b", "a = b (2)", "a = c")


def test_usual_inputs_become_the_fill_of_each_column():
    recipe = Recipe((InputColumn("length", marked=True), COLOR)).with_fill(np.array([4.5, 1, 0, 1]))
    assert [column.fill for column in recipe.columns] == [4.5, "red"]


def test_a_recipe_survives_json():
    recipe = Recipe(
        (InputColumn("Größe", fill=1.25), InputColumn("a", ("1", "=x"), marked=True, fill="=x")),
        ("id", "Größe", "a", "y"), "y", ("id",), False, "cp1252", ";", ",", ".", ("-99",),
    )  # fmt: skip
    assert Recipe.from_values(json.loads(json.dumps(recipe.to_values()))) == recipe
    assert Recipe.of_numbers(("a",), pixels=True).to_values() == {
        "columns": [{"name": "a"}],
        "names": ("a",),
        "pixels": True,
    }


COLUMN = {"name": "a", "categories": ["x", "y"]}
HOSTILE = {
    "no table": [],
    "nothing": {},
    "no columns": {"columns": []},
    "unknown parts": {"columns": [COLUMN], "code": "import os"},
    "unknown parts of a column": {"columns": [{**COLUMN, "code": 1}]},
    "a column that is none": {"columns": ["a"]},
    "columns without an end": {"columns": [COLUMN] * 5001},
    "a name that is none": {"columns": [{"name": 3}]},
    "half a character": {"columns": [{"name": "\ud800"}]},
    "an endless name": {"columns": [{"name": "a" * 30_000}]},
    "a word twice": {"columns": [{"name": "a", "categories": ["x", "x"]}]},
    "a mark that is none": {"columns": [{**COLUMN, "marked": "yes"}]},
    "a fill of nowhere": {"columns": [{**COLUMN, "fill": "z"}]},
    "a fill that is a list": {"columns": [{**COLUMN, "fill": []}]},
    "a word among numbers": {"columns": [{"name": "a", "fill": "x"}]},
    "an endless number": {"columns": [{"name": "a", "fill": float("inf")}]},
    "another decimal mark": {"columns": [COLUMN], "decimal": "x"},
    "an encoding that is none": {"columns": [COLUMN], "encoding": 8},
    "ids that are none": {"columns": [COLUMN], "ids": "id"},
    "a header that is none": {"columns": [COLUMN], "header": 1},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_values_are_refused(name):
    with pytest.raises(ValueError, match=r"^The recipe from columns to inputs is damaged: .*\.$"):
        Recipe.from_values(HOSTILE[name])
