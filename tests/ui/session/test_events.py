"""What the live view sends to Python: every event is carried out once, whatever Streamlit drops or sends twice."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from ui.kit.widgets import keyed
from ui.session import state
from ui.session.state import MOST_EVENTS


@pytest.fixture
def carried_out():
    """`carried_out(events)`: what a script run of one visitor does with them."""

    def script() -> None:
        import streamlit as st

        from ui.session import state

        state.begin()
        st.session_state.done = []
        state.carry_out(st.session_state.sent, st.session_state.done.append)

    page = AppTest.from_function(script)

    def send(events):
        page.session_state["sent"] = events
        page.run()
        assert not page.exception
        return page.session_state["done"]

    return send


def test_an_event_that_is_sent_again_is_handled_once(carried_out):
    first, second, third = ({"type": "layers", "by": n, "serial": 10 + n} for n in range(3))
    assert carried_out([first]) == [first]
    assert carried_out([first, second, third]) == [second, third]
    assert carried_out([first, second, third]) == []


@pytest.mark.parametrize("events", [None, 7, "text", {}, [None], [{}], [{"serial": "1"}], [{"serial": True}], [[1]]])
def test_an_invalid_list_of_events_is_ignored(carried_out, events):
    assert carried_out(events) == []


def test_a_flood_of_events_is_cut_off(carried_out):
    flood = [{"type": "layers", "by": 1, "serial": n} for n in range(1, 10_000)]
    assert carried_out(flood) == flood[:MOST_EVENTS]


def test_the_old_value_of_a_widget_changes_nothing(monkeypatch):
    me, heard = SimpleNamespace(widget_versions={}), []
    monkeypatch.setattr(state, "_me", lambda: me)
    monkeypatch.setattr(state.st, "session_state", {})
    key = state.widget_key("runs", 5)
    state.on_widget_change("runs", key, heard.append)
    assert not heard
    state.st.session_state[key] = 10
    state.on_widget_change("runs", key, heard.append)
    assert heard == [10]


def test_the_old_label_of_a_box_whose_labels_change_is_no_value(monkeypatch):
    me, heard = SimpleNamespace(widget_versions={}), []
    monkeypatch.setattr(state, "_me", lambda: me)
    monkeypatch.setattr(state.st, "session_state", {})
    options = keyed("loss", "auto", heard.append, values=("auto", "mse"))
    for value in ("Auto: Binary cross-entropy", "mse"):
        state.st.session_state[options["key"]] = value
        options["on_change"](*options["args"])
    assert heard == ["mse"]
    assert keyed("loss", "auto", heard.append)["key"] != options["key"]  # the box shows the present value
