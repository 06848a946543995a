"""The places of the Playground, from top to bottom: tools, bar, settings, messages, and the picture beside the data."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import NamedTuple

import streamlit as st

from ui.kit.widgets import is_simple
from ui.session import state


class Board(NamedTuple):
    """Containers. They are always there: an element that comes and goes above the picture would mount it again."""

    tools: AbstractContextManager
    bar: AbstractContextManager
    settings: AbstractContextManager
    training: AbstractContextManager
    messages: AbstractContextManager
    data: AbstractContextManager
    picture: AbstractContextManager


def board() -> Board:
    """On a projector the picture fills the screen, and a drawer holds what is beside it otherwise (ui/kit/style.py).

    The few settings of the simple page are beside the picture, all of them are in rows above it.
    """
    with st.container(key="above"):
        tools = st.container()
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="top"):
            bar = st.container(width="content")
            settings = st.container(horizontal=True, width="content", vertical_alignment="bottom", gap="small")
        messages = st.container()
    with st.container(key="board"):  # a row: see page.css
        data, picture = st.container(key="beside"), st.container()
    if state.view()["projector"]:
        tools = settings = data = settings.popover("Settings", key="drawer")
    with data:
        beside, training = st.container(), st.container()
    return Board(tools, bar, settings, training if is_simple() else settings, messages, beside, picture)
