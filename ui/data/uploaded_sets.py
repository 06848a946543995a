"""The data sets that the visitor has uploaded: how much space they take, and what can be done with each."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from data import OWN, get_source
from data.counted import counted
from data.files import user_data
from data.files.dataset_csv import as_csv
from lab.experiment import own_data
from lab.experiment.datasets import examples
from lab.experiment.experiment import Experiment
from ui.data.training import train, train_options
from ui.kit.escape import escape_markdown
from ui.session import state


def uploads() -> None:
    """One line per stored data set; nothing if there is none."""
    stored = own_data.UPLOADS.of(state.owner())
    if not stored:
        return
    used, allowed = own_data.UPLOADS.used(state.owner()) / 1e6, own_data.UPLOADS.session_bytes / 1e6
    st.markdown(
        f"Your uploads: **{used:.1f} of {allowed:.0f} MB**, {len(stored)} of {own_data.UPLOADS.session_sets} data sets."
    )
    for name in stored:
        _upload(name)


def _upload(name: str) -> None:
    source, e = _described(name), state.experiment()
    title = escape_markdown(source.label.partition(": ")[2])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"{escape_markdown(source.label)}: {source.samples:,} examples, {counted(source.inputs, 'input')}",
            width="stretch",
        )
        if e.own == name:
            help = "All examples in their original units: part, target and inputs, with missing values filled in."
            st.download_button(
                "Download as CSV", partial(_csv, e), "data.csv", "text/csv", help=help, on_click="ignore"
            )
        else:
            options = train_options("Training restarts on this data.", source.name, name)
            if st.button(f"Train on {title} again", key=f"again_{name}", **options):
                train(source.name, name)
        help = (
            "Takes the data off your list and deletes it from the server. Networks that train on it, yours or those of "
            "people with your link, continue; it is deleted when the last of them has other data or is closed."
        )
        st.button(f"Delete {title}", key=f"forget_{name}", on_click=_delete, args=(name,), help=help)


def _described(name: str) -> Any:
    return get_source(next(iter(OWN)), own=name)


def _csv(e: Experiment) -> str:
    return as_csv(examples(e), user_data.read(e.own).target)


def _delete(name: str) -> None:
    own_data.UPLOADS.forget(state.owner(), name, state.runs().uses().values())
