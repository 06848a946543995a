"""Two messages of one browser that come within milliseconds: what the first one asks for is done."""

from __future__ import annotations

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner import RerunData, RerunException
from streamlit.runtime.state import SafeSessionState, SessionState
from streamlit.testing.v1 import AppTest

from ui.streamlit_compat import presses


def test_a_press_is_carried_out_though_another_message_comes_meanwhile():
    def script() -> None:
        import streamlit as st
        from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

        from ui.session import state
        from ui.streamlit_compat import presses

        presses.lose_none()

        def press() -> None:
            get_script_run_ctx().script_requests.request_rerun(RerunData())  # pyright: ignore
            state.change(learning_rate=0.5)

        state.begin()
        st.button("Change", on_click=press)
        st.text(str(state.experiment().learning_rate))

    page = AppTest.from_function(script).run()
    page.button[0].click().run()
    assert page.text[0].value == "0.5"


def test_a_press_is_carried_out_though_another_message_came_before_its_turn():
    def newer() -> None:
        raise RerunException(RerunData())

    presses.lose_none()
    presses.lose_none()
    state = SafeSessionState(SessionState(), newer)
    states = WidgetStates()
    states.widgets.add(id="step", trigger_value=True)
    state.on_script_will_rerun(states)
    assert [widget.id for widget in state.get_widget_states()] == ["step"]
    with pytest.raises(RerunException):  # whatever is not the carrying out of a press is left as before
        state["visitor"]
