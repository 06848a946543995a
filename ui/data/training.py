"""Start training on a data set that was chosen on the page Data."""

from __future__ import annotations

from typing import Any

import streamlit as st

from data import get_source
from data.files.user_data import PreparedData, UserDataError
from lab.experiment import own_data
from lab.experiment.experiment import Experiment
from ui.kit.escape import escape_markdown
from ui.kit.widgets import LOCKED, locked, obeying
from ui.session import state

PLAYGROUND = "../pages/playground.py"
IMAGE_DEFAULTS = {"hidden": (64,), "activations": "relu", "optimizer": "adam", "learning_rate": 0.001, "batch_size": 32}
TRAIN_HELP = "Training restarts on this data. Settings that do not fit it return to their defaults."


def train(dataset: str, fingerprint: str = "") -> None:
    """Use all examples of a data set, with a suitable network, and open the Playground."""
    state.change(**_fields(dataset, fingerprint))
    if (state.experiment().dataset, state.experiment().own) == (dataset, fingerprint):
        st.switch_page(PLAYGROUND)
    st.rerun()  # to show above why it was rejected


def _fields(dataset: str, fingerprint: str) -> dict[str, Any]:
    """What changes for a data set."""
    e = state.experiment()
    fields: dict[str, Any] = {"dataset": dataset, "own": fingerprint, "samples": 0, "noise": 0.0}
    untouched = all(getattr(e, name) == getattr(Experiment(), name) for name in IMAGE_DEFAULTS)
    if untouched and get_source(dataset, own=fingerprint).image_shape:
        fields |= IMAGE_DEFAULTS
    return fields


def train_options(help: str, dataset: str, fingerprint: str = "") -> dict[str, Any]:
    """Options of a button that trains on a stored data set."""
    return obeying(help, **_fields(dataset, fingerprint))


def train_button(prepared: PreparedData, key: str) -> None:
    """A button that stores the prepared data for the visitor and trains on it."""
    off = locked("dataset")
    help = LOCKED if off else TRAIN_HELP
    if st.button("Train on it", key=key, type="primary", help=help, disabled=off):
        try:
            name = own_data.UPLOADS.keep(state.owner(), prepared)
        except UserDataError as problem:
            st.error(escape_markdown(str(problem)))
        else:
            train(prepared.dataset, name)
