"""The tools beside the title: presets, share, keys and the view. An embedded page has none of them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.header import help_dialog, preset_menu, share
from ui.kit.widgets import minor_help, of_view, shown
from ui.session.view import CONTROLS


def toolbar() -> None:
    if st.context.is_embedded:
        return
    with st.container(key="tools", horizontal=True, vertical_alignment="center", gap="xsmall"):
        if shown("controls"):
            help = "Simple: the most important settings. Everything: all of them. Nothing that you have set is lost."
            options: dict[str, Any] = {"label_visibility": "collapsed", "required": True, **of_view("controls")}
            st.segmented_control("Controls", list(CONTROLS), format_func=CONTROLS.__getitem__, help=help, **options)
        preset_menu.menu()
        share.button()
        help_dialog.button()
        sentence = minor_help("For the screen of a classroom: a large picture, large numbers, light background.")
        st.toggle("Projector", help=sentence, **of_view("projector"))
