"""The message where the uploaded data of a link is not on this server."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from data import DATASETS
from data.names import clean
from data.sources import hand_drawn
from lab.experiment.own_data import KEPT_HOURS, UPLOADS
from ui.kit.escape import escape_markdown

CHOICE = "other_data"


def sentence(link: Mapping[str, str]) -> str:
    """Which data is gone, why, and what can be done. link: fields of an experiment."""
    name = clean(UPLOADS.label(link["dataset"], link["own"]))
    return (
        f"{name} is not on this server. Uploads are deleted by the person who made them, {KEPT_HOURS} hours after that "
        "person's last visit if nobody trains on them, and when the server restarts. Your settings are kept in the "
        "address bar. Nothing is trained until you upload the file again on the page Data, or choose other data here."
    )


def show(link: Mapping[str, str], choose: Callable[[str], None] | None, *, here: bool) -> None:
    """Say so, and offer the data sets that are on this server.

    choose: None where the author of the link has locked the data; here: whether files can be uploaded on this page.
    """
    st.warning(escape_markdown(sentence(link)))
    if choose:
        names = [name for name, source in DATASETS.items() if source.available() and name != hand_drawn.NAME]
        st.selectbox(
            "Use another data set",
            names,
            None,
            format_func=lambda name: DATASETS[name].label,
            key=CHOICE,
            placeholder="Choose",
            on_change=lambda: choose(st.session_state[CHOICE]),
            help="The other settings of the link stay, as far as they fit.",
        )
    if not here:
        st.page_link("../pages/data.py", label="Upload the file again on the page Data")
