"""The playground: choose, press Play, watch it learn."""

from __future__ import annotations

import streamlit as st

from ui import controls, data_controls, state
from ui.live import live, picture_first
from ui.presets import lesson
from ui.tools import tools

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
