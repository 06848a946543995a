"""The tools beside the title: presets, share, keys and the projector. An embedded page has none of them."""

from __future__ import annotations

import streamlit as st

from ui.header import help_dialog, preset_menu, share
from ui.kit.widgets import of_view


def toolbar() -> None:
    if st.context.is_embedded:
        return
    with st.container(key="tools", horizontal=True, vertical_alignment="center", gap="small"):
        preset_menu.menu()
        share.button()
        help_dialog.button()
        sentence = "For the screen of a classroom: larger type, thicker lines, light background."
        st.toggle("Projector", help=sentence, **of_view("projector"))
