"""What may arrive on the live socket and on the pipe of a worker, and what is refused."""

from __future__ import annotations

import json
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.experiment.errors import SentenceError
from lab.experiment.experiment import Experiment, ExperimentError
from lab.protocol.errors import BadMessage, Fallen, Gone, Unreachable
from lab.protocol.frames import pack
from lab.protocol.messages import (
    COMMANDS,
    EVENTS,
    MAX_REQUEST_CHARS,
    Change,
    Checkpoint,
    CountRuns,
    Edit,
    GetFrame,
    GetResponses,
    Load,
    Open,
    Preview,
    Query,
    Reply,
    ResizeLayer,
    Resume,
    RunState,
    command_from_browser,
    event_from_component,
    failed,
)
from lab.protocol.wire import (
    decode_command,
    decode_from_worker,
    encode_checkpoint,
    encode_command,
    encode_reply,
    experiment_from_text,
    experiment_text,
)
from tests.lab.helpers import RICH, SMALL
from tests.lab.strategies import experiments

EDIT = {"type": "edit", "layer": 0, "from": -1, "to": 3, "value": -2.5}
STATE = RunState(RICH, "running", "A notice.", 7, "max", 12345, 8)


# From the browser -----------------------------------------------------------------------------------------------------


def refused(message) -> bool:
    with pytest.raises(BadMessage, match=r"allowed|missing"):
        command_from_browser(message if isinstance(message, str) else json.dumps(message))
    return True


def test_a_request_for_a_frame_says_what_the_page_has():
    assert command_from_browser('{"type": "frame"}') == GetFrame(-1, -1, 0, -1, None)
    text = json.dumps({"type": "frame", "build": 1, "generation": 2, "have": 3, "frame": 4, "focus": -2, "more": "x"})
    assert command_from_browser(text) == GetFrame(1, 2, 3, 4, -2)


def test_an_edit_is_a_command():
    assert command_from_browser(json.dumps(EDIT)) == Edit(layer=0, source=-1, target=3, value=-2.5)


@pytest.mark.parametrize(
    "changes",
    [{"layer": None}, {"layer": 0.0}, {"from": "0"}, {"to": True}, {"value": None}, {"value": "1"}, {"value": True},
     {"value": 1001}, {"value": float("nan")}, {"value": float("inf")}, {"value": 10**400},
     {"type": "Edit"}, {"type": ["edit"]}],
    ids=str,
)  # fmt: skip
def test_an_edit_that_the_page_never_sends_is_refused(changes):
    assert refused({**EDIT, **changes})


def test_a_dragged_slider_is_a_command_only_for_previewed_fields():
    sent = {"type": "preview", "field": "learning_rate", "value": 0.3}
    assert command_from_browser(json.dumps(sent)) == Preview("learning_rate", 0.3)
    for change in (
        {"field": "hidden"}, {"field": ["l1"]}, {"value": "0.3"}, {"value": True}, {"value": None}, {"value": 1e6},
        {"value": float("nan")}, {"value": 10**400},
    ):  # fmt: skip
        assert refused({**sent, **change})


def test_response_curves_are_asked_for_by_the_names_of_fields():
    sent = {"type": "responses", "fields": {"l2": "", "noise": "3.1"}, "begun": ["l2"], "maps": "l2"}
    assert command_from_browser(json.dumps(sent)) == GetResponses({"l2": "", "noise": "3.1"}, ["l2"], "l2")
    for change in ({"fields": {"x": ""}}, {"fields": ["l2"]}, {"begun": [["l2"]]}, {"begun": {}}, {"maps": 3}):
        assert refused({**sent, **change})


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "7", '"frame"', "{", '{"type": "play"}', '{"type": "close"}', '{"type": "frame", "focus": "0"}',
     '{"type": "frame", "focus": 1.5}', '{"type": "frame", "have": null}', '{"type": "frame", "build": true}',
     '{"type": "step_batch"}', "[" * 400, '{"type": "frame", "x": "' + "x" * MAX_REQUEST_CHARS + '"}'],
    ids=lambda text: text[:25],
)  # fmt: skip
def test_anything_else_is_refused(text):
    assert refused(text)


# From the component ---------------------------------------------------------------------------------------------------


def test_an_event_of_the_component_is_one_of_a_table():
    assert event_from_component({"type": "resize", "layer": 1, "by": -1, "serial": 5}) == ResizeLayer(1, -1)
    for wrong in ({}, {"type": "explode"}, {"type": "resize", "layer": 1}, {"type": "resize", "layer": "1", "by": 1}):
        with pytest.raises(BadMessage, match=r"allowed|missing"):
            event_from_component(wrong)


# On the pipe ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        Open(RICH, "max", (("cpu", "CPU", "", 0),)), Resume(STATE, "It continues.", True, "cpu"), CountRuns(),
        Change(RICH), Preview("l1", 0.5), Edit(0, -1, 2, 0.5), Load({"silent": []}, RICH), Load({}, None),
        GetFrame(1, 2, 3, 4, None, True), Query("rows", {"start": 3}),
    ],
    ids=lambda command: type(command).__name__,
)  # fmt: skip
def test_a_command_survives_the_pipe(command):
    number, run, found, arrays = decode_command(encode_command(7, "a", command, {"x": np.arange(3)}))
    assert (number, run) == (7, "a")
    assert type(found) is type(command)
    assert {**vars(found), "devices": 0} == {**vars(command), "devices": 0}
    np.testing.assert_array_equal(arrays["x"], np.arange(3))


def test_replies_and_checkpoints_survive_the_pipe():
    reply = Reply({"a": 1}, {}, STATE)
    assert decode_from_worker(encode_reply(3, reply)) == (3, reply)
    error = Reply(state=STATE, error="refused", sentence="No.")
    assert decode_from_worker(encode_reply(4, error)) == (4, error)
    checkpoint = decode_from_worker(encode_checkpoint(Checkpoint("a", STATE, {"w": np.ones(2)})))
    assert isinstance(checkpoint, Checkpoint)
    assert (checkpoint.run, checkpoint.state) == ("a", STATE)
    np.testing.assert_array_equal(checkpoint.arrays["w"], np.ones(2))


@given(experiments)
def test_an_experiment_survives_the_pipe_without_being_validated_again(experiment):
    found = experiment_from_text(experiment_text(experiment))
    assert found == experiment
    assert hash(found) == hash(experiment)
    assert found.to_json() == experiment.to_json()
    assert {name: type(value) for name, value in vars(found).items()} == {
        name: type(value) for name, value in vars(experiment).items()
    }


@pytest.mark.parametrize(
    "header",
    [{"do": "explode"}, {"do": "__init__"}, {}, {"do": "edit", "values": {"layer": 0}},
     {"do": "frame", "values": {"unknown": 1}}, {"do": "set_speed", "values": {"speed": "warp"}}],
    ids=str,
)  # fmt: skip
def test_a_message_that_is_no_command_is_answered_with_a_sentence(header):
    number, run, found, _ = decode_command(pack({"id": 3, "run": "a", **header}))
    assert (number, run) == (3, "a")
    assert isinstance(found, BadMessage)
    assert failed(found).error == "refused"


json_values = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
names = st.sampled_from(["experiment", "state", "speed", "layer", "value", "field"]) | st.text(max_size=3)


@given(st.sampled_from([*COMMANDS]), st.dictionaries(names, json_values))
def test_no_values_on_the_pipe_surprise_the_decoder(verb, values):
    number, _, found, _ = decode_command(pack({"id": 3, "run": "a", "do": verb, "values": values}))
    assert number == 3
    assert isinstance(found, (BadMessage, *COMMANDS.values()))


# Errors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", [Gone(), Fallen("It fell."), Unreachable("No."), ExperimentError(["seed: no."])])
def test_an_error_travels_as_a_reply_and_is_raised_again(problem):
    assert isinstance(problem, SentenceError)
    with pytest.raises(type(problem)) as raised:
        failed(problem).checked()
    assert type(raised.value) is type(problem)
    assert raised.value.sentences == problem.sentences


def test_every_message_has_one_name_and_is_frozen():
    tables = COMMANDS | EVENTS
    assert len(set(tables.values())) == len(COMMANDS) + len(EVENTS)
    for kind in tables.values():
        assert kind.__dataclass_params__.frozen
        assert all(field.name.isidentifier() for field in fields(kind))


def test_a_default_experiment_is_a_small_message():
    assert len(encode_command(1, "x" * 22, Change(SMALL))) < 2000
    assert len(encode_command(1, "x" * 22, Change(Experiment()))) < 2000
