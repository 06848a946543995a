"""What may arrive on the live socket, and what is turned away."""

from __future__ import annotations

import json

import pytest

from ui.server.routes import LONGEST_REQUEST, parse

EDIT = {"type": "edit", "layer": 0, "from": -1, "to": 3, "value": -2.5}
NOTHING = {"build": -1, "generation": -1, "have": -1, "frame": -1, "focus": None}


def test_a_request_for_a_frame_is_a_command_with_what_the_page_has():
    assert parse('{"type": "frame"}') == {"do": "frame", "request": NOTHING}
    text = json.dumps({"type": "frame", "build": 1, "generation": 2, "have": 3, "frame": 4, "focus": -2, "more": "x"})
    expected = {"build": 1, "generation": 2, "have": 3, "frame": 4, "focus": -2}
    assert parse(text) == {"do": "frame", "request": expected}


def test_an_edit_and_a_single_batch_are_commands():
    assert parse(json.dumps(EDIT)) == {"do": "edit", "layer": 0, "from": -1, "to": 3, "value": -2.5}
    assert parse('{"type": "step_batch", "run": "another"}') == {"do": "step_batch"}


@pytest.mark.parametrize(
    "changes",
    [{"layer": None}, {"layer": 0.0}, {"from": "0"}, {"to": True}, {"value": None}, {"value": "1"}, {"value": True},
     {"value": 1001}, {"value": float("nan")}, {"value": float("inf")}, {"value": 10**400},
     {"type": "Edit"}, {"type": ["edit"]}],
    ids=str,
)  # fmt: skip
def test_an_edit_that_the_page_would_never_send_is_turned_away(changes):
    assert parse(json.dumps({**EDIT, **changes})) is None


def test_a_slider_on_its_way_is_a_command_and_nothing_else_of_the_experiment_is():
    sent = {"type": "preview", "field": "learning_rate", "value": 0.3}
    assert parse(json.dumps(sent)) == {"do": "preview", "field": "learning_rate", "value": 0.3}
    wrong = [{"field": "hidden"}, {"field": ["l1"]}, {"value": "0.3"}, {"value": True}, {"value": None}, {"value": 1e6}]
    assert [parse(json.dumps({**sent, **change})) for change in wrong] == [None] * len(wrong)


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "7", '"frame"', "{", '{"type": "play"}', '{"type": "close"}', '{"type": "frame", "focus": "0"}',
     '{"type": "frame", "focus": 1.5}', '{"type": "frame", "have": null}', '{"type": "frame", "build": true}',
     "[" * 400, '{"type": "frame", "x": "' + "x" * LONGEST_REQUEST + '"}'],
    ids=lambda text: text[:25],
)  # fmt: skip
def test_anything_else_is_turned_away(text):
    assert parse(text) is None
