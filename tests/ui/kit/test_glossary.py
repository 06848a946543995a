"""The glossary explains every setting, every function and every column that the pages name."""

from __future__ import annotations

import re

import pytest

from engine import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, OUTPUTS, REGULARIZERS, SCHEDULES
from lab.experiment.experiment import Experiment
from ui.health import health
from ui.kit.glossary import _TERMS, FUNCTIONS, GLOSSARY


@pytest.mark.parametrize("field", Experiment.model_fields)
def test_every_field_of_an_experiment_is_explained_by_one_term(field):
    assert [term.name for term in _TERMS if field in term.fields], f"{field}: add it to a term of ui/kit/glossary.py"
    assert sum(field in term.fields for term in _TERMS) == 1


def test_no_term_explains_a_field_that_is_not_there():
    assert {field for term in _TERMS for field in term.fields} <= Experiment.model_fields.keys()


def test_terms_stand_in_the_order_of_the_alphabet_and_once():
    names = [term.name for term in _TERMS]
    assert names == sorted(names, key=str.lower)
    assert len(GLOSSARY) == len(names)


@pytest.mark.parametrize("term", _TERMS, ids=lambda term: term.name)
def test_a_term_is_told_in_one_to_three_plain_sentences(term):
    assert term.sentence.endswith(".")
    assert 1 <= len(re.findall(r"[.!?](?: |$)", term.sentence)) <= 3
    assert "|" not in term.sentence  # it stands in a table
    assert term.where


def test_every_table_of_functions_is_in_it_with_formulas():
    tables = [ACTIVATIONS, OUTPUTS, LOSSES, OPTIMIZERS, INITIALIZERS, REGULARIZERS, SCHEDULES]
    assert all(any(shown is table for shown in FUNCTIONS.values()) for table in tables)
    assert all(record.label and record.sentence and record.formula for table in tables for record in table.values())


def test_every_column_of_the_health_table_is_a_term():
    assert set(health.COLUMNS) <= GLOSSARY.keys()
