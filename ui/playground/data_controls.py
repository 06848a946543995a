"""The controls of the data: the data set, what makes it harder, drawn points, and files of points."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from data import DATASETS, OWN
from data.counted import counted
from data.files.point_files import MAX_BYTES, UploadError, as_csv, read_points
from data.sources import hand_drawn
from lab.experiment.fields import DATA, FIELDS, SEED
from lab.server.pool import Pool
from ui.kit.escape import escape_markdown
from ui.kit.widgets import (
    RESTARTS,
    bound,
    button,
    explain,
    folded,
    group,
    is_in_view,
    is_simple,
    locked,
    offered,
    shown,
)
from ui.playground import drawing_pad
from ui.playground.features import formula_field
from ui.playground.response_curves import control
from ui.playground.thumbnails import thumbnails
from ui.session import state

UPLOAD = "points_upload"  # the note about the last file: ("read" or "refused", a sentence)


def data_controls() -> None:
    if shown("dataset"):
        st.markdown("##### Data", anchors=False)
    _data_set()
    _settings()
    with st.container(horizontal=True, gap="small", key="sources"):
        help = f"Other examples of the same kind: uses the next seed. {RESTARTS}"
        button("Regenerate", "regenerate", _regenerate, help, changes="seed")
        if not is_simple():
            help = "New random initial weights for the same network and data; Reset then returns to them. Shortcut: N"
            button("New weights", "new_weights", _new_weights, help, changes="weight_seed")
        _more_data()
        _pad()
        if not is_simple():
            _files()
    if offered("formula"):
        formula_field()


def _data_set() -> None:
    if not shown("dataset"):
        return
    e = state.experiment()
    thumbnails(_choose)
    names = [name for name, source in DATASETS.items() if source.available() or name == e.dataset]
    names += [name for name in OWN if name == e.dataset]
    show = lambda name: e.source.label if name in OWN else DATASETS[name].label  # noqa: E731
    help = explain("dataset", escape_markdown(e.source.sentence))
    st.selectbox("Data set", names, format_func=show, help=help, **bound("dataset", e.dataset, _choose, values=names))


def _choose(name: str) -> None:
    if name == hand_drawn.NAME:
        drawing_pad.begin()
    else:
        drawing_pad.end()
        state.change(dataset=name)


def _settings() -> None:
    """Sliders and number boxes side by side, the others below."""
    fields = group(DATA, advanced=False)
    small = [field for kind in ("slider", "number") for field in fields if FIELDS[field].control == kind]
    for column, part in zip(st.columns(2), (small[::2], small[1::2]), strict=True):
        with column:
            for field in part:
                control(field)
    for field in fields:
        if field not in small:
            control(field)


def _regenerate() -> None:
    state.change(seed=(state.experiment().seed + 1) % (int(SEED.high) + 1))


def _new_weights() -> None:
    e = state.experiment()
    state.change(weight_seed=(e.weight_seed or e.seed) % int(SEED.high) + 1)


def _more_data() -> None:
    """Settings that make a data set harder, if they fit the chosen one."""
    fields = [field for field in group(DATA, advanced=True) if is_in_view(field)]
    help = "Wrong labels, outliers, unbalanced classes and folds, if available for this data set."
    if fields or not is_simple():
        with folded("More data", fields, "more_data", help=help, disabled=not fields):
            for field in fields:
                control(field)


# Drawn points and files ----------------------------------------------------------------------------------------------


def _pad() -> None:
    if drawing_pad.is_open():
        button("Done drawing", "draw", drawing_pad.end, "The points stay.")
    else:
        help = f"Add, move, delete and relabel points on the map: 2 to {hand_drawn.MAX_CLASSES} classes. {RESTARTS}"
        button("Draw points", "draw", drawing_pad.begin, help, changes="dataset")


def _files() -> None:
    with st.popover("Files", key="files", help="Read points from a CSV file, or save the current points as one."):
        help = (
            f"Rows of two numbers and a label, 2 to {hand_drawn.MAX_CLASSES} labels, "
            f"at most {hand_drawn.MAX_POINTS:,} rows; "
            f"a header line is allowed. They become your own points. {RESTARTS}"
        )
        limit = -(-MAX_BYTES // 1_000_000)
        options = {"type": ["csv", "tsv", "txt"], "max_upload_size": limit, "key": "points_file", "help": help}
        options["disabled"] = locked("points")
        st.file_uploader("Points from a CSV file", on_change=_uploaded, **options)
        kind, sentence = state.recall(UPLOAD) or ("", "")
        if sentence:
            (st.error if kind == "refused" else st.info)(escape_markdown(sentence))
        help = "The current points: x1, x2, label, and the part that they belong to: train, validation or test."
        points = partial(_as_file, state.runs(), state.token())
        off = not state.experiment().source.plane
        options: dict[str, Any] = {"on_click": "ignore", "help": help, "disabled": off}
        st.download_button("Download the points", points, "points.csv", "text/csv", **options)


def _uploaded() -> None:
    file = st.session_state["points_file"]
    if file is None:
        state.remember(UPLOAD, ("", ""))
        return
    try:
        upload = read_points(file.getvalue())
    except UploadError as problem:
        state.remember(UPLOAD, ("refused", str(problem)))
        return
    drawing_pad.use(upload.points)
    names = ", ".join(f"class {number}: {name[:40]}" for number, name in enumerate(upload.class_names, 1))
    stretched = " The columns were stretched to fill the plane." if upload.stretched else ""
    long = (
        "" if state.experiment().fits_link else f" A link holds {hand_drawn.MAX_POINTS_IN_LINK} points; keep the file."
    )
    said = "".join(f" {sentence}" for sentence in upload.notes)
    state.remember(UPLOAD, ("read", f"{counted(len(upload.points), 'point')}. {names}.{stretched}{long}{said}"))


def _as_file(runs: Pool, token: str) -> str:
    header, arrays = runs.ask(token, "points", {})
    return as_csv(arrays["points"], arrays["labels"], header["parts"])
