"""Nonsense in every field of a link: each field is refused separately, with a sentence that says what is allowed."""

from __future__ import annotations

import pytest

from lab.experiment.experiment import Experiment
from ui.session.view import VIEW, view_from

FIELDS = (*Experiment.model_fields, *VIEW)
VALID = {  # nonsense in other fields, but allowed in these
    "": {"hidden", "activations", "conv", "formula", "points", "own", "hide", "lock"},  # an empty list or text
    "1e308": {"formula"},  # a constant
}


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src="x" onerror="alert(1)">',
        "[a](javascript:alert(1)) **b** $c$",
        "9" * 5000,
        "1e308",
        "nan",
        "\x00\x07\r\n\u202e",
        "",
    ],
    ids=lambda text: ascii(text[:10]),
)
def test_nonsense_in_every_field_is_refused_field_by_field(text):
    query = dict.fromkeys(FIELDS, text)
    _, refused = Experiment.from_query(query)
    view_from(query, refused)
    assert {sentence.partition(":")[0] for sentence in refused} == set(FIELDS) - VALID.get(text, set())
    assert len(refused) == len({sentence.partition(":")[0] for sentence in refused})
    assert all("allowed: " in sentence and len(sentence) < 400 for sentence in refused)


def test_choices_that_do_not_fit_together_are_left_out():
    query = {"dataset": "plane", "output": "softmax", "loss": "hinge", "hidden": "1024,1024,1024,1024"}
    experiment, refused = Experiment.from_query(query)
    assert experiment == Experiment(dataset="plane")
    assert any("output: softmax does not fit; allowed: with this data set" in sentence for sentence in refused)
    assert any("hidden: 1024,1024,1024,1024 does not fit; allowed: layers" in sentence for sentence in refused)
