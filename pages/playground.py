"""The playground: choose, press Play, watch it learn."""

from __future__ import annotations

import streamlit as st

from ui.header.preset_menu import lesson
from ui.header.toolbar import tools
from ui.playground import controls, data_controls
from ui.playground.live_view import live, picture_first
from ui.session import state

state.begin()

above = st.container(key="above")
with st.container(key="board"):
    left, right = st.columns([1, 4], gap="medium")
with right:
    live()
picture_first()
with above:
    tools()
    controls.transport()
    controls.network_controls()
    lesson()
    controls.refusals()
    controls.divergence()
with left:
    data_controls.data_controls()
    controls.layer_controls()
    controls.view_controls()

state.write_link()
