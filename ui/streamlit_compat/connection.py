"""Whether a visitor's browser is connected, detected by the lifetime of a session-scoped cache."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

Visit = Callable[[str], str]


def until_disconnected(leave: Callable[[str], None]) -> Callable[[Visit], Visit]:
    """Decorate a function that a script run calls again and again with one argument.

    It runs when a connected session calls it with an argument for the first time. When the connection ends, `leave` is
    called with its result; after a reconnection the function runs again.
    """
    return st.cache_resource(scope="session", show_spinner=False, on_release=leave)
