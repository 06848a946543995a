"""Save the current network as a model file, or load one."""

from __future__ import annotations

import streamlit as st

from data.files.user_data import UserDataError
from lab.experiment import own_data
from lab.server.pool import Pool
from lab.training import model_file
from lab.training.model_file import Model, ModelFileError
from lab.training.predictor import Predictor
from ui.kit.escape import escape_markdown
from ui.kit.keep_button import keep_button
from ui.kit.widgets import LOCKED, locked
from ui.save.download_button import download
from ui.session import state
from ui.streamlit_compat.uploads import read_and_free, uploaded

EVERYTHING, WEIGHTS = "Everything", "Weights only"
LOAD_OPTIONS = {
    EVERYTHING: "Continue exactly where the model was saved, with its settings, optimizer state and curves.",
    WEIGHTS: "Keep your current settings and load only the weights.",
}
MEGABYTE = 1 << 20


def save_model() -> None:
    """A button that downloads the model file."""
    name = f"model-{state.experiment().dataset}{model_file.SUFFIX}"
    help = "Weights, optimizer state, settings, curves and labels in one safetensors file, which contains no code."
    download("Save the model", "save_model", _model_bytes, name, "application/octet-stream", help)
    keep_button("Keep the run")
    st.caption(f"The current network, at epoch {state.status()['epoch']:,}.")


def current_model(pool: Pool, token: str) -> Model:
    return Model(*pool.ask(token, "model"))


def _model_bytes(pool: Pool, token: str) -> bytes:
    return model_file.to_bytes(current_model(pool, token))


def load_model() -> None:
    """An upload, with the choice of what to load, and the result."""
    help = " ".join(f"{name}: {sentence}" for name, sentence in LOAD_OPTIONS.items())
    st.radio("Load from the file", list(LOAD_OPTIONS), key="load_what", horizontal=True, help=help)
    key = f"model_file_{state.notes().get('loads', 0)}"  # a new key empties the widget, so that the file is freed
    max_mb = model_file.MAX_FILE_BYTES // MEGABYTE
    help = (
        "A file saved here or with `python -m lab run --save`. A file that does not fit changes nothing. A model whose "
        "data was uploaded and is not here any more is opened for predictions only."
    )
    off = locked("weights")
    options = {"on_change": _load, "args": (key,), "help": LOCKED if off else help, "disabled": off}
    st.file_uploader("Load a model", type="safetensors", max_upload_size=max_mb, key=key, **options)
    if loaded := state.recall("loaded") or state.notes().get("opened", ""):
        st.success(escape_markdown(loaded))
    if refused := state.notes().get("model_refused", ""):
        st.warning(escape_markdown(refused))


def _load(widget: str) -> None:
    if (upload := uploaded(widget)) is None:
        return
    weights_only = st.session_state.load_what == WEIGHTS
    content = read_and_free(upload)
    close_model()
    state.notes()["loads"] = state.notes().get("loads", 0) + 1
    if not weights_only and (model := _without_data(content)):
        return _open(upload.name[:60], model)
    loaded = state.load_model(content, weights_only=weights_only)
    done_text = f"Loaded the weights of {upload.name[:60]}." if weights_only else f"Loaded {upload.name[:60]}."
    if loaded:
        state.remember("loaded", f"{done_text} Press Play on the Playground to continue training.")


# A model whose data is not here ---------------------------------------------------------------------------------------


def _without_data(content: bytes) -> Predictor | None:
    """The network of a model file whose data is not here; None for any other file."""
    try:
        model = model_file.from_bytes(content)
        return None if model.has_data else Predictor(model)
    except ModelFileError:
        return None  # loading says why


def _open(name: str, model: Predictor) -> None:
    """Keep the network for predictions; the run of the visitor stays as it is."""
    try:
        own_data.UPLOADS.hold(state.owner(), state.token(), "model", model.network.parameters.nbytes)
    except UserDataError as problem:
        state.notes()["model_refused"] = f"{name} was not opened. {problem}"
        return
    state.notes().update(opened_model=(name, model), predictions=None)
    state.notes()["opened"] = (
        f"Opened {name} for predictions only: the data that it was trained on is not here. “Predict a file” below uses "
        "it, and the network on the Playground has not changed. To train it further, train on its data again on the "
        "page Data, and load the weights only."
    )


def opened_model() -> tuple[str, Predictor] | None:
    """Name and network of the model that is opened for predictions only."""
    return state.notes().get("opened_model")


def close_model() -> None:
    """Forget the opened model."""
    if opened_model():
        own_data.UPLOADS.hold(state.owner(), state.token(), "model", 0)
    state.notes().update(opened_model=None, opened="", model_refused="")
    state.remember("loaded", "")
