"""A press for a fragment that is gone runs the whole page; a fragment's clock neither does that nor brings values."""

from __future__ import annotations

from typing import Any, cast

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests

from tests.ui.streamlit_compat.test_assumptions import Session
from ui.streamlit_compat import late_presses


@pytest.fixture(autouse=True)
def _installed_twice(monkeypatch):
    monkeypatch.setattr(AppSession, "request_rerun", AppSession.request_rerun)  # as it was, afterwards
    late_presses.install()
    late_presses.install()


def test_a_press_for_a_gone_fragment_runs_the_whole_page():
    session: Any = Session()
    for message in (
        ClientState(fragment_id="gone"),
        ClientState(fragment_id="gone", is_auto_rerun=True),
        ClientState(fragment_id="known"),
        ClientState(),
    ):
        AppSession.request_rerun(session, message)
    assert session.runs == [None, "known", None]


def test_a_clock_that_ticks_before_the_answer_to_a_press_arrives_does_not_undo_the_press():
    """The browser still shows the old value then, and sends it with the tick."""
    values = WidgetStates(widgets=[WidgetState(id="beginning", string_value="epoch 0")])
    session: Any = Session()
    for message in (
        ClientState(fragment_id="known", is_auto_rerun=True, widget_states=values),
        ClientState(fragment_id="known", widget_states=values),
    ):
        AppSession.request_rerun(session, message)
    assert session.values == [None, ["epoch 0"]]


def test_a_clock_that_ticks_while_a_press_waits_does_not_replace_its_values():
    values = WidgetStates(widgets=[WidgetState(id="beginning", string_value="now")])
    requests, session = ScriptRequests(), cast(Any, Session())
    session._create_scriptrunner = requests.request_rerun
    AppSession.request_rerun(session, ClientState(widget_states=values))
    AppSession.request_rerun(session, ClientState(fragment_id="known", is_auto_rerun=True))
    request = requests.on_scriptrunner_ready()
    assert [state.string_value for state in request.rerun_data.widget_states.widgets] == ["now"]
    assert request.rerun_data.fragment_id_queue == []
