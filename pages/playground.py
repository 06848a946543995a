"""The playground: choose, press Play, watch it learn."""

from __future__ import annotations

import streamlit as st

from ui.header.preset_menu import lesson
from ui.header.toolbar import toolbar
from ui.playground.data_controls import data_controls
from ui.playground.live_view import live, picture_first
from ui.playground.messages import divergence, refusals
from ui.playground.network_controls import function_controls, layer_controls
from ui.playground.other_settings import other_settings
from ui.playground.training_bar import training_bar
from ui.playground.view_controls import view_controls
from ui.session import state

state.begin()

above = st.container(key="above")
with st.container(key="board"):
    left, right = st.columns([1, 4], gap="medium")
with right:
    live()
picture_first()
with above:
    toolbar()
    training_bar()
    function_controls()
    lesson()
    refusals()
    divergence()
with left:
    data_controls()
    layer_controls()
    view_controls()
    other_settings()

state.write_link()
