"""A press counts, whatever a part of the page that redraws itself does at that moment.

Such a part, a fragment with a clock, brings two dangers. It ends with a script run of the whole page, and Streamlit
drops a message for a fragment that is gone, with the press in it: here it becomes a run of the whole page instead. And
with each tick of the clock the browser sends the values of all widgets. They may be older than the last press, whose
answer is still on its way, and would undo it: here a tick brings no values.
"""

from __future__ import annotations

import inspect
from functools import wraps
from typing import Any

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession


class Tick:
    """The message of a fragment's clock, without values: not even empty ones, which would replace those of a press
    that is still waiting."""

    widget_states = None

    def __init__(self, message: ClientState) -> None:
        self._message = message

    def __getattr__(self, name: str) -> Any:
        return getattr(self._message, name)


def install() -> None:
    """Patch Streamlit in this process; calling it again changes nothing."""
    original = inspect.unwrap(AppSession.request_rerun)

    @wraps(original)
    def request_rerun(self: AppSession, client_state: ClientState | None) -> None:
        message: Any = client_state
        if client_state and client_state.is_auto_rerun:
            message = Tick(client_state)
        elif client_state and not self.has_fragment(client_state.fragment_id):
            client_state.fragment_id = ""
        original(self, message)

    AppSession.request_rerun = request_rerun
