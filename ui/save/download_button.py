"""Download buttons whose file is made only when the button is clicked.

Streamlit makes the file in a thread that has no session, so the function that makes it gets pool and token.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from lab.server.pool import Pool
from ui.session import state


def download(label: str, key: str, make: Callable[[Pool, str], str | bytes], file: str, kind: str, help: str) -> None:
    """A button for the file that make(pool, token) returns; the page is not redrawn. kind: the media type."""
    of_run = partial(make, state.runs(), state.token())
    st.download_button(label, of_run, file, kind, key=key, help=help, on_click="ignore")
