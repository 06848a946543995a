"""Callbacks run to their end, even when the same browser sends another message meanwhile.

At its yield points Streamlit looks for a newer message of the browser, and abandons the older one. It has such points
before the callbacks of a message and at each access to session_state inside them. A click that is abandoned there is
lost, because the newer message does not contain it. With the yield points closed meanwhile, callbacks run to their end;
Streamlit looks for newer messages right after them (ScriptRunner._run_script).
"""

from __future__ import annotations

import inspect
from functools import wraps
from typing import Any

from streamlit.runtime.state.safe_session_state import SafeSessionState


def install() -> None:
    """Patch Streamlit in this process; calling it again changes nothing.

    Callbacks must not draw, because drawing is a yield point as well.
    """
    original = inspect.unwrap(SafeSessionState.on_script_will_rerun)

    @wraps(original)
    def on_script_will_rerun(self: SafeSessionState, *states: Any, **more: Any) -> None:
        yield_callback = self._yield_callback
        object.__setattr__(self, "_yield_callback", lambda: None)
        try:
            original(self, *states, **more)
        finally:
            object.__setattr__(self, "_yield_callback", yield_callback)

    SafeSessionState.on_script_will_rerun = on_script_will_rerun
