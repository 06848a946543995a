"""No press is lost that is followed at once by another message of the same browser.

Streamlit looks at its yield points for a newer message, and leaves the older one where it stands. It has such points
before it calls the callbacks of a message and at every access to session_state inside them; a press that is left there
is not repeated, because the newer message holds no press. With the yield points closed meanwhile, callbacks are carried
out whole. Streamlit looks for newer messages right after them (ScriptRunner._run_script).
"""

from __future__ import annotations

import inspect
from functools import wraps
from typing import Any

from streamlit.runtime.state.safe_session_state import SafeSessionState


def lose_none() -> None:
    """Once is enough for a process, more often does no harm. Callbacks must not draw: drawing is a yield point, too."""
    carry_out = inspect.unwrap(SafeSessionState.on_script_will_rerun)

    @wraps(carry_out)
    def whole(self: SafeSessionState, *states: Any, **more: Any) -> None:
        look = self._yield_callback
        object.__setattr__(self, "_yield_callback", lambda: None)
        try:
            carry_out(self, *states, **more)
        finally:
            object.__setattr__(self, "_yield_callback", look)

    SafeSessionState.on_script_will_rerun = whole
