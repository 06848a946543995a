"""A press in a part of the page that the server has drawn as a whole since then counts.

A fragment that redraws itself ends with a script run of the whole page. Streamlit drops a message for a fragment that
is gone, with the press in it; here it becomes a run of the whole page instead.
"""

from __future__ import annotations

import inspect
from functools import wraps

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession


def install() -> None:
    """Patch Streamlit in this process; calling it again changes nothing."""
    original = inspect.unwrap(AppSession.request_rerun)

    @wraps(original)
    def request_rerun(self: AppSession, client_state: ClientState | None) -> None:
        if client_state and not client_state.is_auto_rerun and not self.has_fragment(client_state.fragment_id):
            client_state.fragment_id = ""
        original(self, client_state)

    AppSession.request_rerun = request_rerun
