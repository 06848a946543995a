"""Hostile messages: events of the live view that the page never sends, and arbitrary data on its socket."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from lab.experiment.experiment import Experiment
from lab.protocol.errors import BadMessage
from lab.protocol.messages import COMMANDS, PREVIEWED, Edit, GetFrame, GetResponses, Preview, command_from_browser
from lab.worker.local_pool import LocalPool
from tests.lab.helpers import SMALL
from ui.session.state import MOST_EVENTS

HUGE, NAN, POINT = 10**400, float("nan"), [[0.5, 0.5, 0]]
ODD = [None, True, -1, 10**9, HUGE, NAN, 1.5, "0", "", "<img src=x onerror=alert(1)>", "=cmd|' /C calc'!A0",
       "../../etc", [], [0], {}, {"a": 1}, "\x00", "\ud800", "x" * 10_000]  # fmt: skip
EVENTS = [
    *({"type": odd} for odd in ODD),
    *({"type": "toggle_feature", "name": odd} for odd in ODD),
    *({"type": "resize", "layer": odd, "by": 1} for odd in ODD if odd is not True),
    *({"type": "resize", "layer": 0, "by": odd} for odd in ODD if odd not in (True, -1)),
    *({"type": "activation", "layer": 0, "name": odd} for odd in ODD),
    *({"type": "activation", "layer": odd, "name": "relu"} for odd in ODD if odd is not True),
    *({"type": "layers", "by": odd} for odd in ODD if odd not in (True, -1)),
    *({"type": "fix", "changes": odd} for odd in ODD),
    *({"type": "fix", "changes": {"learning_rate": odd}} for odd in ODD if odd not in (True, 1.5)),
    *({"type": "fix", "changes": {"hidden": odd}} for odd in ODD if odd not in ("", [], "0")),
    *({"type": "fix", "changes": {str(odd): 1}} for odd in ODD),
    *({"type": "points", "points": odd, "number": 0, "done": False} for odd in ODD),
    *({"type": "points", "points": [odd], "number": 0, "done": True} for odd in ODD),
    *({"type": "points", "points": [[odd, odd, 0]], "number": 0, "done": True} for odd in ODD),
    *({"type": "points", "points": POINT, "number": odd, "done": False} for odd in ODD if odd not in (True, -1)),
    *({"type": "points", "points": POINT, "number": 0, "done": odd} for odd in ODD if odd is not True),
]  # fmt: skip


def script() -> None:
    import streamlit as st

    from ui.playground import live_view
    from ui.session import state

    state.begin()
    for event in st.session_state.sent:
        before = state.experiment()
        state.carry_out([event], live_view._event)
        if state.experiment() != before:
            st.session_state.changed.append(event)


def test_hostile_events_change_nothing_and_raise_nothing():
    page = AppTest.from_function(script, default_timeout=60)
    page.session_state["changed"] = []
    for start in range(0, len(EVENTS), MOST_EVENTS):
        some = EVENTS[start : start + MOST_EVENTS]
        page.session_state["sent"] = [{**event, "serial": start + n} for n, event in enumerate(some, 1)]
        page.run()
        assert not page.exception
    assert list(page.session_state["changed"]) == []
    assert page.session_state.visitor.experiment == Experiment()
    assert page.session_state.visitor.handled == len(EVENTS)


plain = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=4)
json_values = plain | st.lists(plain, max_size=2)
names = st.sampled_from(
    ["type", "build", "generation", "have", "frame", "focus", "layer", "from", "to", "value", "field", "experiment"]
)
messages = st.dictionaries(names | st.text(max_size=3), json_values, max_size=6)
kinds = st.sampled_from([*COMMANDS])


@settings(max_examples=150)
@given(
    messages,
    kinds | st.none(),
    st.sampled_from([None, "focus", "edit", "preview", "responses"]),
    st.sampled_from(PREVIEWED),
)
def test_every_message_on_the_socket_is_refused_or_answered(message, kind, sound, field):
    if kind:
        message["type"] = kind
    if sound == "edit":
        message |= {"layer": 0, "from": 0, "to": 0, "value": 1.0}
    if sound == "preview":
        message["field"] = field
    if sound == "responses":
        message |= {"fields": {field: message.get("value")}, "begun": [field], "maps": field}
    try:
        command = command_from_browser(json.dumps(message))
    except BadMessage:
        return
    assert isinstance(command, GetFrame | Edit | Preview | GetResponses)
    reply = POOL.submit(TOKEN, command).result()
    assert reply.error in ("", "refused")
    assert reply.error or reply.state == POOL.scheduler.runs[TOKEN].state


@given(st.text(max_size=600))
def test_text_that_is_no_message_is_turned_away(text):
    with pytest.raises(BadMessage, match="allowed"):
        command_from_browser(text)


POOL = LocalPool(seconds_per_frame=0)
TOKEN = POOL.open(SMALL)
