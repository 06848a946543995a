"""The sections of the page Data, of which one is shown."""

from __future__ import annotations

from functools import partial

import streamlit as st

from lab.experiment.own_data import UPLOADS
from ui.data import picture_archive, table_file
from ui.data.well_known_sets import well_known
from ui.kit.widgets import keyed
from ui.session import state

SECTIONS = {
    "Well-known sets": well_known,
    "Your table": table_file.table_file,
    "Your images": picture_archive.picture_archive,
}
OF_FILES = {table_file.SECTION: "Your table", picture_archive.SECTION: "Your images"}
CHOICE = "data_section"


def sections() -> None:
    """The section that was chosen last, or else that of the latest file of the visitor."""
    files = [OF_FILES[section] for section in UPLOADS.files(state.owner())]
    section = state.notes().get(CHOICE) or (files or list(SECTIONS))[-1 if files else 0]
    bound = keyed(CHOICE, section, partial(state.notes().__setitem__, CHOICE))
    SECTIONS[st.segmented_control("Source of the examples", list(SECTIONS), required=True, **bound) or section]()
