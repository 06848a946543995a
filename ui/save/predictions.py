"""Predictions for a file of new rows, of the current network or of a model whose data is not here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from data.counted import counted
from data.files.unlabeled_rows import MAX_BYTES, UnlabeledRows, UnlabeledRowsError
from data.files.user_data import UserDataError
from data.names import clean
from data.recipe import Recipe
from lab.experiment import own_data
from lab.export import csv_tables
from lab.protocol.errors import Gone, Unreachable
from ui.kit.escape import escape_markdown
from ui.save.model_files import close_model, opened_model
from ui.session import state
from ui.streamlit_compat.uploads import read_and_free, uploaded

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Network:
    """What predicts. rows: the most in a piece; answer: raw examples (n, columns) -> predictions (n,)."""

    title: str
    recipe: Recipe
    classes: list[str]
    rows: int
    answer: Callable[[np.ndarray], Any]


def _network() -> Network:
    """The opened model, else the current network."""
    if opened := opened_model():
        name, model = opened
        return Network(f"the model {clean(name)}", model.recipe, model.classes, model.rows, model.predict)
    header, _ = state.ask("inputs")
    recipe, title = Recipe.from_values(header["recipe"]), f"the network after {counted(header['epoch'], 'epoch')}"
    ask = lambda x: state.ask("predict", {"x": x})[1]["answers"]  # noqa: E731
    return Network(title, recipe, header["classes"], header["rows"], ask)


def predictions() -> None:
    """Upload new rows, predict them, and download the predictions."""
    network = _network()
    columns = [clean(column.name) for column in network.recipe.columns]
    shown = ", ".join(columns[:6]) + (" ..." if columns[6:] else "")
    names = "pixel0, pixel1, ... from 0 to 255" if network.recipe.pixels else shown
    text = f"A CSV file with {counted(len(columns), 'column')}: {names}. Other columns, such as labels, are ignored."
    if network.recipe.columns[0].fill is not None:
        text += " Gaps and unknown words are filled as in training, and ids are repeated."
    st.caption(escape_markdown(text))
    if opened_model():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(escape_markdown(f"Predicts with {network.title}."), width="content")
            help = "Deletes the model from the server; the current network of the Playground predicts again."
            st.button("Close the model", key="close_model", on_click=_close, help=help)
    allowed = f"{own_data.UPLOADS.session_bytes / 1e6:.0f} MB"
    help = f"At most {MAX_BYTES // MEGABYTE} MB and 100,000 rows. The file counts toward your limit of {allowed}."
    key = f"examples_file_{state.notes().get('examples_taken', 0)}"  # a new key empties the widget
    options = {"max_upload_size": MAX_BYTES // MEGABYTE, "on_change": _store, "args": (key,), "help": help}
    st.file_uploader("Examples without labels", ["csv", "tsv", "txt"], key=key, **options)
    if refused := state.notes().get("examples_refused"):
        st.warning(escape_markdown(refused))
    if (held := state.notes().get("examples")) is None:
        return
    name, content = held
    used = f"{own_data.UPLOADS.used(state.owner()) / 1e6:.1f} of {allowed}"
    st.markdown(f"{escape_markdown(name)}: {len(content):,} bytes. Your uploads: **{used}**.")
    with st.container(horizontal=True):
        pressed = st.button("Predict", key="predict", help=f"Predicts every row with {network.title}.")
        help = "Deletes the file and its predictions from the server. The end of your session does the same."
        st.button("Delete the file", key="forget_examples", on_click=_delete, help=help)
    if pressed:
        state.notes()["predictions"] = None
        try:
            state.notes()["predictions"] = _predict(content, network)
        except UnlabeledRowsError as problem:
            st.warning(escape_markdown(str(problem)))
        except (Gone, Unreachable):
            st.warning("The training process is restarting. Press Predict again in a moment.")
    if found := state.notes().get("predictions"):
        text, note = found
        st.caption(escape_markdown(note))
        st.code("\n".join(text.splitlines()[:8]), language=None, wrap_lines=True)
        help = "One line per row, in the format of a Kaggle submission."
        st.download_button(
            "Predictions as CSV",
            text,
            "submission.csv",
            "text/csv",
            key="predictions_csv",
            on_click="ignore",
            help=help,
        )


def _store(widget: str) -> None:
    """Replace the stored file by the uploaded one, if there is enough space."""
    if (upload := uploaded(widget)) is None:
        return
    state.notes()["examples_taken"] = state.notes().get("examples_taken", 0) + 1
    name, content = upload.name[:60], read_and_free(upload)
    try:
        own_data.UPLOADS.hold(state.owner(), state.token(), "examples", len(content))
    except UserDataError as problem:
        state.notes()["examples_refused"] = f"{name} was not stored. {problem}"
        return
    state.notes()["examples_refused"] = ""
    state.notes()["examples"] = (name, content)
    state.notes()["predictions"] = None


def _delete() -> None:
    own_data.UPLOADS.hold(state.owner(), state.token(), "examples", 0)
    state.notes()["examples"] = None
    state.notes()["predictions"] = None


def _close() -> None:
    close_model()
    state.notes()["predictions"] = None


def _predict(content: bytes, network: Network) -> tuple[str, str]:
    """The CSV text, and sentences about it. Any click on the page cancels this."""
    progress = st.progress(0.0, "Predicting")
    answers: list[np.ndarray] = []
    try:
        new = UnlabeledRows(content, network.recipe, rows=network.rows)
        rows = max(1, content.count(b"\n"))
        for piece in new:
            answers.append(network.answer(piece))
            done = sum(map(len, answers))
            progress.progress(min(1.0, done / rows), f"Predicting: {counted(done, 'row')}")
    finally:
        progress.empty()  # also of a file that is refused
    found = np.concatenate(answers)
    note = " ".join([f"{counted(len(found), 'row')}, predicted by {network.title}.", *new.notes])
    return csv_tables.predictions(found, network.classes, new.heading(bool(network.classes)), new.ids), note
