"""The waiting page of a full playground, and the name under which a visitor's run is kept on disk."""

from __future__ import annotations

import re
from collections.abc import Callable

import streamlit as st

from lab.server.waiting_queue import ASK_WITHIN_S

COOKIE = "playground_visitor"  # a random token, set by ui/server/headers.py; it identifies no person
REFRESH_S = 2.0  # longer for those far behind
TOO_MANY = "Too many people are waiting already. Try again in a few minutes."


def show(before: int, again: Callable[[], None]) -> None:
    """Say how many are ahead of this visitor, ask again at intervals, and stop this script run."""
    st.info(sentence(before))
    st.caption("Your settings are in the address bar; keep this page open.")
    drawn: list[bool] = []

    def look() -> None:
        if drawn:  # the first call comes with the page
            again()
        drawn.append(True)

    st.fragment(look, run_every=min(REFRESH_S + before / 20, ASK_WITHIN_S / 2) if before >= 0 else 2 * ASK_WITHIN_S)()
    st.stop()


def sentence(before: int) -> str:
    if before < 0:
        return TOO_MANY
    who = "You are next." if before == 0 else f"{before} ahead of you."
    return f"The playground is full. {who} This page opens by itself as soon as there is a free place."


def visitor() -> str:
    """The token that the browser was given, or nothing."""
    word = st.context.cookies.get(COOKIE, "")
    return word if isinstance(word, str) and re.fullmatch(r"[\w-]{20,64}", word, re.ASCII) else ""
