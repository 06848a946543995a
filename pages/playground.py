"""The playground: choose, press Play, watch it learn."""

from __future__ import annotations

import streamlit as st

from ui import controls, data_controls, state
from ui.live import live
from ui.presets import lesson
from ui.tools import tools

state.begin()

tools()
controls.transport()
controls.network_controls()
lesson()
controls.refusals()
controls.divergence()

with st.container(key="board"):
    left, right = st.columns([1, 4], gap="medium")
with left:
    data_controls.data_controls()
    controls.layer_controls()
    controls.view_controls()
with right:
    live()

state.write_link()
