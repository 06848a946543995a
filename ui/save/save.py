"""The parts of the page Keep: a model out and in, tables, code, and predictions for a file of examples.

What a button downloads is made when it is pressed, in a thread of its own that knows no session: those functions get
the pool and the token.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st

from data.files.unlabeled_rows import MOST_BYTES, Unlabelled, UnlabelledError
from data.files.user_data import OwnError
from lab.experiment import own_data
from lab.export import SCRIPTS, ExportError, csv_tables, gather, plan_of, zipped
from lab.server.pool import Gone, Pool, Unreachable
from lab.training import model_file
from lab.training.model_file import Model
from ui.figures import curve
from ui.kit.charts import charts, theme
from ui.kit.escape import plain
from ui.session import state
from ui.streamlit_compat.uploads import taken

EVERYTHING, WEIGHTS = "Everything", "Weights only"
WHAT = {
    EVERYTHING: "The network stands where it was saved: settings, optimizer and curve come along.",
    WEIGHTS: "Your settings of now stay; the network begins with the weights of the file.",
}
MEGABYTE = 1 << 20
HEADER_ONLY = 1 << 40  # a start behind the last example: the answer counts them and brings none


def download(label: str, key: str, make: Callable[[], str | bytes], file: str, kind: str, help: str) -> None:
    """A button for a file that is made when it is pressed; the page stays as it is."""
    st.download_button(label, make, file, kind, key=key, help=help, on_click="ignore")


def _later(make: Callable[..., str | bytes]) -> Callable[[], str | bytes]:
    return partial(make, state.runs(), state.token())


# Model ---------------------------------------------------------------------------------------------------------------


def save_model() -> None:
    name = f"model-{state.experiment().dataset}{model_file.SUFFIX}"
    help = "Weights, optimizer, settings, curve and labels in one safetensors file; nothing in it can run."
    download("Save the model", "save_model", _later(_model_bytes), name, "application/octet-stream", help)
    st.caption(f"The network as it is now, at epoch {state.status()['epoch']:,}.")


def _model(pool: Pool, token: str) -> Model:
    return Model(*pool.ask(token, "model"))


def _model_bytes(pool: Pool, token: str) -> bytes:
    return model_file.to_bytes(_model(pool, token))


def load_model() -> None:
    help = " ".join(f"{name}: {sentence}" for name, sentence in WHAT.items())
    st.radio("Take from the file", list(WHAT), key="load_what", horizontal=True, help=help)
    key = f"model_file_{state.notes().get('loads', 0)}"  # a new key empties the box: the file need not stay in memory
    most = model_file.LARGEST // MEGABYTE
    help = "A file that was saved here or with python -m lab run --save. A file that does not fit changes nothing."
    st.file_uploader(
        "Load a model", type="safetensors", max_upload_size=most, key=key, on_change=_load, args=(key,), help=help
    )
    if loaded := state.notes().get("loaded", ""):
        st.success(plain(loaded))


def _load(widget: str) -> None:
    upload = st.session_state[widget]
    if upload is None:
        return
    weights_only = st.session_state.load_what == WEIGHTS
    done = state.load_model(taken(upload), weights_only=weights_only)
    said = (
        f"The weights of {upload.name[:60]} are in your network." if weights_only else f"{upload.name[:60]} is loaded."
    )
    state.notes()["loaded"] = f"{said} Press Play on the Playground to train on." if done else ""
    state.notes()["loads"] = state.notes().get("loads", 0) + 1


# Curves and tables ---------------------------------------------------------------------------------------------------


def tables() -> None:
    header, arrays = state.ask("curves")
    epochs, values = arrays["epochs"], arrays["values"]
    figures = {}
    for name, rows in (("loss", (0, 1)), (header["score"], (2, 3))):
        figure = curve(epochs, *values[list(rows)], label=name, theme=theme()).update_layout(height=240)
        figures[f"{name.capitalize()} of both parts, over the epochs"] = figure
    charts("kept", figures)
    last = f"train {values[0, -1]:.4f}, test {values[1, -1]:.4f}" if len(epochs) else "not known yet"
    st.caption(f"Thin: training part; thick: test part. Loss after epoch {epochs[-1] if len(epochs) else 0:,}: {last}.")
    with st.container(horizontal=True):
        help = "Epoch, and loss and score of both parts, one line a point of the curve."
        download("Curves as CSV", "curves_csv", _later(_curves_csv), "curves.csv", "text/csv", help)
        help = "Both charts in one file that opens without a network, with zoom and hover."
        download("Curves as web page", "curves_html", _later(_curves_html), "curves.html", "text/html", help)
        if state.experiment().source.kind == "classification":
            help = "How often each class of the test part was taken for which: rows truth, columns prediction."
            download(
                "Confusion matrix as CSV", "confusion_csv", _later(_confusion_csv), "confusion.csv", "text/csv", help
            )
    st.caption("The arrow at each picture, here and on every page, saves that picture as PNG, SVG or HTML.")


def _curves_csv(pool: Pool, token: str) -> str:
    header, arrays = pool.ask(token, "curves")
    return csv_tables.curves(arrays["epochs"], arrays["values"], header["score"])


def _curves_html(pool: Pool, token: str) -> str:
    header, arrays = pool.ask(token, "curves")
    pairs = (("loss", (0, 1)), (header["score"], (2, 3)))
    figures = [curve(arrays["epochs"], *arrays["values"][list(rows)], label=name) for name, rows in pairs]
    parts = [figure.to_html(full_html=False, include_plotlyjs=not number) for number, figure in enumerate(figures)]
    return f"<!doctype html><meta charset='utf-8'><title>Curves</title>{''.join(parts)}"


def _confusion_csv(pool: Pool, token: str) -> str:
    header, arrays = pool.ask(token, "confusion")
    return csv_tables.confusion(arrays["counts"], header["classes"])


# Code ----------------------------------------------------------------------------------------------------------------


def code() -> None:
    plan = plan_of(state.experiment(), state.ask("rows", part="train", start=HEADER_ONLY)[0])
    show = lambda name: SCRIPTS[name].label  # noqa: E731
    help = "The experiment as a script of its own; the zip holds the data that it reads."
    chosen = st.segmented_control(
        "Code for", list(SCRIPTS), format_func=show, default="numpy", required=True, key="code_for", help=help
    )
    script = SCRIPTS[chosen or "numpy"]
    try:
        text = script.make(plan)
    except ExportError as problem:
        st.info(plain(str(problem)))
    else:
        st.caption(script.sentence)
        st.code(text, language="python", wrap_lines=True)
    with st.container(horizontal=True):
        help = "All scripts that cover this experiment, the data they read, and the settings."
        download("Code and data as zip", "zip", _later(partial(_zip, plan)), "experiment.zip", "application/zip", help)
        help = "The trained network of now, from raw inputs to answers, for any program that runs ONNX models."
        download("Trained network as ONNX", "onnx", _later(_onnx), "model.onnx", "application/octet-stream", help)


def _zip(plan, pool: Pool, token: str) -> bytes:
    return zipped(plan, gather(partial(pool.ask, token)))


def _onnx(pool: Pool, token: str) -> bytes:
    from lab.export.onnx_model import onnx_model

    return onnx_model(_model(pool, token))


# Predictions ---------------------------------------------------------------------------------------------------------


def predictions() -> None:
    facts, _ = state.ask("inputs")
    wanted = facts["columns"]
    form = (
        "pixel0, pixel1, ... from 0 to 255"
        if facts["picture"]
        else ", ".join(wanted[:6]) + (" ..." if wanted[6:] else "")
    )
    st.caption(plain(f"A CSV file with {len(wanted):,} columns: {form}. Other columns, such as labels, are not used."))
    allowed = f"{own_data.SHELF.session_bytes / 1e6:.0f} MB"
    help = f"At most {MOST_BYTES:,} bytes and 100,000 rows. It counts among the {allowed} that a visitor may keep."
    key = f"examples_file_{state.notes().get('examples_taken', 0)}"  # a new key empties the box
    most = MOST_BYTES // MEGABYTE
    kinds = ["csv", "tsv", "txt"]
    st.file_uploader("Examples without labels", kinds, max_upload_size=most, key=key, on_change=_take, args=(key,),
                     help=help)  # fmt: skip
    if refused := state.notes().get("examples_refused"):
        st.warning(plain(refused))
    if (held := state.notes().get("examples")) is None:
        return
    name, content = held
    used = f"{own_data.SHELF.used(state.owner()) / 1e6:.1f} of {allowed}"
    st.markdown(f"{plain(name)}: {len(content):,} bytes. All your uploads take **{used}**.")
    with st.container(horizontal=True):
        pressed = st.button("Predict", key="predict", help="Asks your network, as it is now, about every row.")
        help = "Deletes it and its predictions from the server; so does the end of your session."
        st.button("Forget the file", key="forget_examples", on_click=_forget, help=help)
    if pressed:
        state.notes()["predictions"] = None
        try:
            state.notes()["predictions"] = _predict(content, facts)
        except UnlabelledError as problem:
            st.warning(plain(str(problem)))
        except (Gone, Unreachable):
            st.warning("The training process is being restarted: press Predict again in a moment.")
    if found := state.notes().get("predictions"):
        text, note = found
        st.caption(plain(note))
        st.code("\n".join(text.splitlines()[:8]), language=None, wrap_lines=True)
        help = "A line for each row, in Kaggle's submission form."
        st.download_button(
            "Predictions as CSV",
            text,
            "submission.csv",
            "text/csv",
            key="predictions_csv",
            on_click="ignore",
            help=help,
        )


def _take(widget: str) -> None:
    """A file has come: it takes the place of the one before it, if there is room."""
    if (upload := st.session_state[widget]) is None:
        return
    state.notes()["examples_taken"] = state.notes().get("examples_taken", 0) + 1
    name, content = upload.name[:60], taken(upload)
    try:
        own_data.SHELF.hold(state.owner(), state.token(), "examples", len(content))
    except OwnError as problem:
        state.notes()["examples_refused"] = f"{name} is not kept. {problem}"
        return
    state.notes()["examples_refused"] = ""
    state.notes()["examples"] = (name, content)
    state.notes()["predictions"] = None


def _forget() -> None:
    own_data.SHELF.hold(state.owner(), state.token(), "examples", 0)
    state.notes()["examples"] = None
    state.notes()["predictions"] = None


def _predict(content: bytes, facts: dict) -> tuple[str, str]:
    """The CSV text, and a sentence on what was done. Any press on the page ends it early."""
    progress = st.progress(0.0, "Predicting")
    sheet = Unlabelled(content, facts["columns"], picture=facts["picture"], rows=facts["rows"])
    rows = max(1, content.count(b"\n"))
    answers: list[np.ndarray] = []
    for piece in sheet:
        answers.append(state.ask("predict", {"x": piece})[1]["answers"])
        done = sum(map(len, answers))
        progress.progress(min(1.0, done / rows), f"Predicting: {done:,} rows")
    progress.empty()
    found = np.concatenate(answers)
    note = f"{len(found):,} rows, answered by the network after {facts['epoch']:,} epochs."
    if sheet.left_out:
        note += (
            f" Not used: {', '.join(name[:40] for name in sheet.left_out[:5])}{' ...' if sheet.left_out[5:] else ''}."
        )
    return csv_tables.predictions(found, facts["classes"], picture=facts["picture"]), note
