"""Download buttons whose file is made only when the button is clicked.

Streamlit makes the file in a thread that has no session, so the function that makes it gets pool and token.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from ui.session import state


def download(label: str, key: str, make: Callable[[], str | bytes], file: str, kind: str, help: str) -> None:
    """A button for the file that `make` returns; the page is not redrawn. kind: the media type."""
    st.download_button(label, make, file, kind, key=key, help=help, on_click="ignore")


def of_run(make: Callable[..., str | bytes]) -> Callable[[], str | bytes]:
    """`make(pool, token)` with the visitor's pool and token."""
    return partial(make, state.runs(), state.token())
