"""A press for a fragment that is gone runs the whole page; the fragment's own clock does not."""

from __future__ import annotations

from typing import Any

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession

from tests.ui.streamlit_compat.test_assumptions import Session
from ui.streamlit_compat import late_presses


def test_a_press_for_a_gone_fragment_runs_the_whole_page(monkeypatch):
    monkeypatch.setattr(AppSession, "request_rerun", AppSession.request_rerun)  # as it was, afterwards
    late_presses.install()
    late_presses.install()
    session: Any = Session()
    for message in (
        ClientState(fragment_id="gone"),
        ClientState(fragment_id="gone", is_auto_rerun=True),
        ClientState(fragment_id="known"),
        ClientState(),
    ):
        AppSession.request_rerun(session, message)
    assert session.runs == [None, "known", None]
