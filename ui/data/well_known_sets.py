"""The well-known image sets: train on one that is on this server, or download it first."""

from __future__ import annotations

import streamlit as st

from data import DATASETS
from data.sources import download
from ui.data.training import TRAIN_HELP, train, train_options
from ui.kit.escape import escape_markdown

KNOWN = ("digits", "mnist", "fashion_mnist", "kaggle_mnist")
REFRESH_S = 0.5  # between two refreshes during a download


@st.cache_resource
def _downloads() -> download.Downloads:
    return download.Downloads()


def well_known() -> None:
    """One card per data set: to train on, to download, or with the progress of its download."""
    running = _running()
    st.fragment(_known_sets, run_every=REFRESH_S if running else None)(running)
    st.caption(
        "Nothing is downloaded until you ask for it. Files that are already on the server, plain or gzipped, are read "
        "from the folder in the environment variable `BACKPROP_DATA` (on the command line: `--data-dir`): the four IDX "
        "files of MNIST or Fashion-MNIST in its subfolder `mnist` or `fashion_mnist`, and Kaggle's `train.csv` in it."
    )


def _running() -> set[str]:
    known = {name: _downloads().of(name) for name in download.FILES}
    return {name for name, progress in known.items() if progress and progress.active}


def _known_sets(running: set[str]) -> None:
    """running: the downloads that were active when the page was drawn."""
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
            f"{source.sentence} {source.samples:,} images of {rows} by {columns} pixels, {source.classes} classes."
        )
        if source.available():
            if st.button(f"Train on {source.label}", key=f"train_{name}", **train_options(TRAIN_HELP, name)):
                train(name)
        elif name in download.FILES:
            _download(name, source.label)
        else:
            st.caption("Not on this server. Kaggle requires an account: download its train.csv yourself; see below.")


def _download(name: str, label: str) -> None:
    progress = _downloads().of(name)
    if progress and progress.active:
        share, total = progress.done / progress.total, progress.total / 1e6
        text = f"{progress.done / 1e6:.1f} of {total:.1f} MB downloaded."
        if progress.status == "stopping":
            st.progress(share, f"{text} Stopping after the data that is still being sent.")
            return
        st.progress(share, text)
        help = "Completed files are kept; the next attempt continues with the others."
        st.button(f"Stop downloading {label}", key=f"stop_{name}", on_click=_downloads().stop, args=(name,), help=help)
        return
    if progress and progress.status == "failed":
        st.error(escape_markdown(progress.sentence))
    if progress and progress.status == "stopped":
        st.caption("Stopped. Completed files were kept.")
    host = ", ".join(dict.fromkeys(address.split("/")[2] for address in download.mirrors(name)))
    help = f"From {host}. The files are verified by SHA-256 and stored in the cache folder of this server."
    verb = "Retry downloading" if progress and progress.status == "failed" else "Download"
    label = f"{verb} {label} ({download.size(name) / 1e6:.0f} MB)"
    st.button(label, key=f"get_{name}", on_click=_downloads().start, args=(name,), help=help)
