"""On the page Data: what the visitor has uploaded, and the well-known sets with their downloads."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from data import DATASETS, OWN, get_source
from data.files import user_data as uploaded
from data.files.dataset_csv import as_csv
from data.files.user_data import PreparedData, UserDataError
from data.sources import download
from lab.experiment import own_data
from lab.experiment.datasets import examples
from lab.experiment.experiment import Experiment
from ui.kit.escape import plain
from ui.session import state

PLAYGROUND = "../pages/playground.py"
KNOWN = ("digits", "mnist", "fashion_mnist", "kaggle_mnist")
FOR_PICTURES = {"hidden": (64,), "activations": "relu", "optimizer": "adam", "learning_rate": 0.001, "batch_size": 32}
LOOK_EVERY = 0.5  # seconds between two looks at a download


@st.cache_resource
def _downloads() -> download.Downloads:
    return download.Downloads()


# Training on something -----------------------------------------------------------------------------------------------


def train(dataset: str, fingerprint: str = "") -> None:
    """Make it the data of the experiment, with all examples and a network that suits, and go there."""
    e = state.experiment()
    fields: dict[str, Any] = {"dataset": dataset, "own": fingerprint, "samples": 0, "noise": 0.0}
    untouched = all(getattr(e, name) == getattr(Experiment(), name) for name in FOR_PICTURES)
    if untouched and get_source(dataset, own=fingerprint).image_shape:
        fields |= FOR_PICTURES
    state.change(**fields)
    if (state.experiment().dataset, state.experiment().own) == (dataset, fingerprint):
        st.switch_page(PLAYGROUND)
    st.rerun()  # the refusal is shown above


def train_button(prepared: PreparedData, key: str) -> None:
    """Keeps a prepared set for the visitor, and trains on it."""
    help = "The network starts anew on this data. Settings that do not fit it go back to their defaults."
    if st.button("Train on it", key=key, type="primary", help=help):
        try:
            name = own_data.SHELF.keep(state.owner(), state.token(), prepared)
        except UserDataError as problem:
            st.error(plain(str(problem)))
        else:
            train(prepared.dataset, name)


# What the visitor has uploaded ---------------------------------------------------------------------------------------


def uploads() -> None:
    """A line for each set that is kept, with what can be done with it; nothing where there is none."""
    mine = own_data.SHELF.of(state.owner())
    if not mine:
        return
    used, allowed = own_data.SHELF.used(state.owner()) / 1e6, own_data.SHELF.session_bytes / 1e6
    st.markdown(
        f"Your uploads take **{used:.1f} of {allowed:.0f} MB** and {len(mine)} of {own_data.SHELF.session_sets} places."
    )
    for name in mine:
        _upload(name)


def _upload(name: str) -> None:
    source, e = described_upload(name), state.experiment()
    title = plain(source.label.partition(": ")[2])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{plain(source.label)}: {source.samples:,} examples, {source.inputs:,} inputs", width="stretch")
        if e.own == name:
            help = "Every example in its own units: its part, its target and its inputs, gaps filled in."
            st.download_button(
                "Download the data as used", partial(_as_used, e), "data.csv", "text/csv", help=help, on_click="ignore"
            )
        elif st.button(f"Train on {title} again", key=f"again_{name}", help="The network starts anew on this data."):
            train(source.name, name)
        help = "Deletes it from the server. What was trained on it goes on until its data is changed."
        st.button(f"Forget {title}", key=f"forget_{name}", on_click=_forget, args=(name,), help=help)


def described_upload(name: str) -> Any:
    return get_source(next(iter(OWN)), own=name)


def _as_used(e: Experiment) -> str:
    return as_csv(examples(e), uploaded.read(e.own).target)


def _forget(name: str) -> None:
    if state.experiment().own == name:
        state.change(dataset=Experiment().dataset)
    own_data.SHELF.forget(state.owner(), name)


# Well-known sets -----------------------------------------------------------------------------------------------------


def well_known() -> None:
    """A line for each set: it is here, it is on its way, or it can be fetched."""
    running = _running()
    st.fragment(_known_sets, run_every=LOOK_EVERY if running else None)(running)
    st.caption(
        "Nothing is fetched before you ask. Files that you have already, plain or gzipped, are found in the folder "
        "that the environment variable `BACKPROP_DATA` names, or `--data-dir` of the command line: the four IDX files "
        "of MNIST or Fashion-MNIST in a subfolder `mnist` or `fashion_mnist`, and Kaggle's `train.csv` beside them."
    )


def _running() -> set[str]:
    known = {name: _downloads().of(name) for name in download.FILES}
    return {name for name, progress in known.items() if progress and progress.active}


def _known_sets(running: set[str]) -> None:
    """running: the downloads for which this is drawn again and again."""
    if _running() != running:
        st.rerun()
    places = [*st.columns(2, gap="small"), *st.columns(2, gap="small")]
    for name, place in zip(KNOWN, places, strict=True):
        with place:
            _known(name)


def _known(name: str) -> None:
    source = DATASETS[name]
    with st.container(border=True, key=f"known_{name}", height="stretch"):
        st.markdown(f"**{source.label}**")
        rows, columns = source.image_shape or (0, 0)
        st.markdown(
            f"{source.sentence} {source.samples:,} pictures of {rows} by {columns} pixels, {source.classes} classes."
        )
        if source.available():
            help = "The network starts anew on this data. Settings that do not fit it go back to their defaults."
            if st.button(f"Train on {source.label}", key=f"train_{name}", help=help):
                train(name)
        elif name in download.FILES:
            _fetch(name, source.label)
        else:
            st.caption("Not here. Kaggle asks for an account, so you fetch its train.csv yourself; see below.")


def _fetch(name: str, label: str) -> None:
    progress = _downloads().of(name)
    if progress and progress.active:
        share, total = progress.done / progress.total, progress.total / 1e6
        arrived = f"{progress.done / 1e6:.1f} of {total:.1f} MB have arrived."
        if progress.status == "stopping":
            st.progress(share, f"{arrived} Stopping: waiting for what the mirror has on its way.")
            return
        st.progress(share, arrived)
        help = "Files that are whole stay; the next attempt goes on with the others."
        st.button(f"Stop fetching {label}", key=f"stop_{name}", on_click=_downloads().stop, args=(name,), help=help)
        return
    if progress and progress.status == "failed":
        st.error(plain(progress.sentence))
    if progress and progress.status == "stopped":
        st.caption("Stopped. Files that are whole have stayed.")
    host = ", ".join(dict.fromkeys(address.split("/")[2] for address in download.mirrors(name)))
    help = f"From {host}, checked by its sha256 and kept in the cache folder of this server."
    word = "Try again to get" if progress and progress.status == "failed" else "Get"
    label = f"{word} {label} ({download.size(name) / 1e6:.0f} MB)"
    st.button(label, key=f"get_{name}", on_click=_downloads().start, args=(name,), help=help)
