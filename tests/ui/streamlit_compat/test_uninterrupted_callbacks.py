"""Two messages of one browser within milliseconds: callbacks of the first one run to their end."""

from __future__ import annotations

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner import RerunData, RerunException
from streamlit.runtime.state import SafeSessionState, SessionState
from streamlit.testing.v1 import AppTest

from ui.streamlit_compat import uninterrupted_callbacks


def test_a_callback_finishes_when_another_message_arrives_meanwhile():
    def script() -> None:
        import streamlit as st
        from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

        from ui.session import state
        from ui.streamlit_compat import uninterrupted_callbacks

        uninterrupted_callbacks.install()

        def press() -> None:
            get_script_run_ctx().script_requests.request_rerun(RerunData())
            state.change(learning_rate=0.5)

        state.begin()
        st.button("Change", on_click=press)
        st.text(str(state.experiment().learning_rate))

    page = AppTest.from_function(script).run()
    page.button[0].click().run()
    assert page.text[0].value == "0.5"


def test_a_click_counts_when_another_message_is_already_waiting():
    def newer() -> None:
        raise RerunException(RerunData())

    uninterrupted_callbacks.install()
    uninterrupted_callbacks.install()
    state = SafeSessionState(SessionState(), newer)
    states = WidgetStates()
    states.widgets.add(id="step", trigger_value=True)
    state.on_script_will_rerun(states)
    assert [widget.id for widget in state.get_widget_states()] == ["step"]
    with pytest.raises(RerunException):  # all other yield points still work
        state["visitor"]
