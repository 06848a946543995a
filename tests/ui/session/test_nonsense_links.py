"""Nonsense in every field of a link: each field is refused separately, with a sentence that says what is allowed."""

from __future__ import annotations

import pytest

from lab.experiment.experiment import Experiment
from lab.protocol.messages import SetSpeed
from ui.session import lockable_parts, state
from ui.session.view import VIEW, view_from
from ui.session.visitor import Visitor

FIELDS = (*Experiment.model_fields, *VIEW)
VALID = {  # nonsense in other fields, but allowed in these
    "": {
        "hidden",
        "activations",
        "conv",
        "formula",
        "points",
        "own",
        "hide",
        "lock",
        "compare",
        "runs",
        "study",
    },  # an empty list or text
    "1e308": {"formula"},  # a constant
}
LONG = "9" * 5000


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src="x" onerror="alert(1)">',
        "[a](javascript:alert(1)) **b** $c$",
        LONG,
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
    valid = VALID.get(text, set()) | ({"title", "task"} if text != LONG else set())
    assert {sentence.partition(":")[0] for sentence in refused} == set(FIELDS) - valid
    assert len(refused) == len({sentence.partition(":")[0] for sentence in refused})
    assert all("allowed: " in sentence and len(sentence) < 400 for sentence in refused)


def test_choices_that_do_not_fit_together_are_left_out():
    query = {"dataset": "plane", "output": "softmax", "loss": "hinge", "hidden": "1024,1024,1024,1024"}
    experiment, refused = Experiment.from_query(query)
    assert experiment == Experiment(dataset="plane")
    assert any("output: softmax does not fit; allowed: with this data set" in sentence for sentence in refused)
    assert any("hidden: 1024,1024,1024,1024 does not fit; allowed: layers" in sentence for sentence in refused)


@pytest.mark.parametrize("value", ["warp", "", None, 3, "x" * 1000, ["max"]])
def test_a_speed_that_is_none_changes_nothing(monkeypatch, value):
    me, sent = Visitor(Experiment(), dict(VIEW), []), []
    monkeypatch.setattr(state, "_me", lambda: me)
    monkeypatch.setattr(state, "send", sent.append)
    state.change_view("speed", value)
    assert (me.view, sent) == (VIEW, [])
    assert me.refused[0].startswith("speed: ")
    state.change_view("speed", "max")
    assert (me.view["speed"], sent) == ("max", [SetSpeed("max")])
    state.change_view("hide", lockable_parts.HIDEABLE[:1])
    assert me.view["hide"] == lockable_parts.HIDEABLE[:1]
