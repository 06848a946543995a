"""Cells that no spreadsheet program interprets as a formula."""

from __future__ import annotations

import csv
import dataclasses
import io

import numpy as np
import pytest

from data import load
from data.files.dataset_csv import as_csv
from data.files.safe_cells import safe_cell

FORMULAS = ['=HYPERLINK("http://a")', "+A1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\n=1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_starts_a_formula_gets_an_apostrophe(text):
    assert safe_cell(text).startswith("'")


@pytest.mark.parametrize("value", ["setosa", "a = b", "", -1, -1.5, "-1", "+1.5", "-1,5", "-2e-3", "-5%"])
def test_numbers_and_other_text_stay_unchanged(value):
    assert safe_cell(value) == value


@pytest.mark.parametrize("name", FORMULAS)
def test_names_in_an_exported_data_set_are_no_formulas(name):
    iris = load("iris", rng=np.random.default_rng(0))
    changed = dataclasses.replace(iris, class_names=(name, "b", "c"), feature_names=(name, *iris.feature_names[1:]))
    rows = list(csv.reader(io.StringIO(as_csv(changed, target=name))))
    assert len(rows) == 151
    for cell in (*rows[0], *(row[1] for row in rows[1:])):
        assert not cell.lstrip().startswith(("=", "+", "-", "@"))
