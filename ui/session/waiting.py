"""The line before a full playground, and the name under which a visitor's run is kept on disk."""

from __future__ import annotations

import re
from collections.abc import Callable

import streamlit as st

from lab.server.waiting_queue import ASK_WITHIN_S

COOKIE = "playground_visitor"  # a random word, set by ui/server/headers.py; it says nothing about the person
LOOKS_EVERY = 2.0  # seconds; less often far behind
TOO_MANY = "So many people are waiting already that there is no place in line. Come back in a few minutes."


def room(before: int, again: Callable[[], None]) -> None:
    """Say how many are before this visitor, ask again by and by, and end this script run."""
    st.info(sentence(before))
    st.caption("Your settings are in the address bar; keep this page open.")
    drawn: list[bool] = []

    def look() -> None:
        if drawn:  # with the page the first time, by itself every later time
            again()
        drawn.append(True)

    st.fragment(look, run_every=min(LOOKS_EVERY + before / 20, ASK_WITHIN_S / 2) if before >= 0 else 2 * ASK_WITHIN_S)()
    st.stop()


def sentence(before: int) -> str:
    if before < 0:
        return TOO_MANY
    who = "You are the next." if before == 0 else f"{before} before you."
    return f"The playground is full. {who} This page opens by itself as soon as there is room."


def visitor() -> str:
    """The word that the browser was given, or nothing."""
    word = st.context.cookies.get(COOKIE, "")
    return word if isinstance(word, str) and re.fullmatch(r"[\w-]{20,64}", word, re.ASCII) else ""
