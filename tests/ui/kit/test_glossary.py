"""The glossary explains every field, every function and every column of the Health table."""

from __future__ import annotations

import re

import pytest

from engine import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, OUTPUTS, REGULARIZERS, SCHEDULES
from lab.experiment.fields import FIELDS
from ui.health import health
from ui.kit.glossary import _GENERAL, FUNCTIONS, GLOSSARY


@pytest.mark.parametrize("name", FIELDS)
def test_a_term_explains_every_field(name):
    assert (FIELDS[name].term or FIELDS[name].label) in GLOSSARY


def test_no_term_is_explained_twice():
    labels = [spec.label for spec in FIELDS.values() if not spec.term]
    general = [term.name for term in _GENERAL]
    assert len({*labels, *general}) == len(labels) + len(general) == len(GLOSSARY)


def test_terms_are_in_alphabetical_order():
    assert list(GLOSSARY) == sorted(GLOSSARY, key=str.lower)


@pytest.mark.parametrize("term", GLOSSARY.values(), ids=lambda term: term.name)
def test_a_term_is_explained_in_one_to_three_sentences(term):
    assert term.sentence.endswith(".")
    assert 1 <= len(re.findall(r"[.!?](?: |$)", term.sentence)) <= 3
    assert "|" not in term.sentence  # it is in a table
    assert term.where


def test_every_table_of_functions_is_included_with_formulas():
    tables = [ACTIVATIONS, OUTPUTS, LOSSES, OPTIMIZERS, INITIALIZERS, REGULARIZERS, SCHEDULES]
    assert all(any(shown is table for shown in FUNCTIONS.values()) for table in tables)
    assert all(record.label and record.sentence and record.formula for table in tables for record in table.values())


def test_every_column_of_the_health_table_is_a_term():
    assert set(health.COLUMNS) <= GLOSSARY.keys()
