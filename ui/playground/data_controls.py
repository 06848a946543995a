"""What the network learns from: the data set, what makes it harder, one's own points, and files of points."""

from __future__ import annotations

from functools import partial

import streamlit as st

from data import BALANCED, DATASETS, OWN, SCALINGS
from data.files.point_files import MAX_BYTES, UploadError, as_csv, read_points
from data.sources import hand_drawn
from lab.server.pool_api import Pool
from ui.kit.escape import plain
from ui.kit.widgets import ANEW, bound, button, choose, explain, labels, locked, number, shown, slide
from ui.playground import drawing_pad, features
from ui.session import state

NOISES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9)
SPOILT = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
BALANCES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
SEEDS = 1_000_000
READ = "read"  # what became of the last file: ("read" or "refused", a sentence)


def data_controls() -> None:
    e = state.experiment()
    if shown("dataset"):
        st.markdown("##### Data", help=f"A change here draws the data again. {ANEW}")
    _data_set()
    left, right = st.columns(2)
    with left:
        slide("Noise", "noise", NOISES, "How blurred the data is.", "{:.0%}".format)
        sentence = f"0 takes what the set has, {e.source.samples:,}. Otherwise at least 10."
        number("Samples (0: all)", "samples", 0, 100_000, sentence, 50)
    with right:
        slide("Training share", "train_share", SHARES, "The rest is the test part.", "{:.0%}".format)
        number("Seed", "seed", 0, SEEDS - 1, "The same seed gives the same data, weights and batches.")
    if e.source.image_shape:
        sentence = " ".join(f"{scaling.label}: {scaling.sentence}" for scaling in SCALINGS.values())
        choose("Pixels as inputs", "scaling", SCALINGS, labels(SCALINGS), sentence)
    with st.container(horizontal=True, gap="small", key="sources"):
        help = f"Other examples of the same kind: the next seed. {ANEW}"
        button("Regenerate", "regenerate", _regenerate, help)
        _more_data()
        _pad()
        _files()
    if e.source.plane:
        features.formula_field()


def _data_set() -> None:
    if not shown("dataset"):
        return
    e = state.experiment()
    here = [name for name, source in DATASETS.items() if source.available() or name == e.dataset]
    here += [name for name in OWN if name == e.dataset]
    show = lambda name: e.source.label if name in OWN else DATASETS[name].label  # noqa: E731
    options = bound("dataset", e.dataset, _choose)
    help = explain("dataset", plain(e.source.sentence))
    st.selectbox("Data set", here, format_func=show, help=help, **options)


def _choose(name: str) -> None:
    if name == hand_drawn.NAME:
        drawing_pad.begin()
    else:
        drawing_pad.end()
        state.change(dataset=name)


def _regenerate() -> None:
    state.change(seed=(state.experiment().seed + 1) % SEEDS)


def _more_data() -> None:
    """What makes a data set harder; only what fits the one that is chosen."""
    e = state.experiment()
    classify, plane = e.source.kind == "classification", e.source.plane
    spoilt = sum((e.label_noise > 0, e.outliers > 0, e.balance != 0.5))
    label = f"More data: {spoilt}" if spoilt else "More data"
    help = "Wrong labels, outliers and classes of unequal size, where they fit the data set."
    with st.popover(label, key="more_data", help=help, disabled=not (classify or plane)):
        if classify:
            sentence = "So many labels are wrong, in the test part too, so no network can be right everywhere."
            slide("Wrong labels", "label_noise", SPOILT, sentence, "{:.0%}".format)
        if plane:
            sentence = "So many points are thrown anywhere on the plane, with the labels that they had."
            slide("Outliers", "outliers", SPOILT, sentence, "{:.0%}".format)
        if e.dataset in BALANCED:
            sentence = f"How much the class {e.source.class_names[0]} weighs; at 50% all classes are alike."
            slide("Class balance", "balance", BALANCES, sentence, "{:.0%}".format)


# Points of one's own -------------------------------------------------------------------------------------------------


def _pad() -> None:
    if drawing_pad.is_open():
        button("Done drawing", "draw", drawing_pad.end, "The points stay.")
    else:
        help = f"Add, move, delete and relabel points on the big map: 2 to {hand_drawn.MAX_CLASSES} classes. {ANEW}"
        button("Draw points", "draw", drawing_pad.begin, help)


def _files() -> None:
    with st.popover("Files", key="files", help="Read points from a CSV file, or write those in use into one."):
        help = (
            f"Rows of two numbers and a label, 2 to {hand_drawn.MAX_CLASSES} labels, "
            f"at most {hand_drawn.MAX_POINTS:,} rows; "
            f"a line of names may come first. They become your own points. {ANEW}"
        )
        limit = -(-MAX_BYTES // 1_000_000)
        options = {"type": ["csv", "tsv", "txt"], "max_upload_size": limit, "key": "points_file", "help": help}
        options["disabled"] = locked("points")
        st.file_uploader("Points from a CSV file", on_change=_uploaded, **options)
        kind, sentence = state.kept(READ, ("", ""))
        if sentence:
            (st.error if kind == "refused" else st.info)(plain(sentence))
        help = "The points as they are used: x1, x2, label, and whether they belong to the training or the test part."
        points = partial(_as_file, state.runs(), state.token())
        off = not state.experiment().source.plane
        options = {"on_click": "ignore", "help": help, "disabled": off}
        st.download_button("Download the points", points, "points.csv", "text/csv", **options)


def _uploaded() -> None:
    file = st.session_state["points_file"]
    if file is None:
        return state.keep(READ, ("", ""))
    try:
        upload = read_points(file.getvalue())
    except UploadError as problem:
        return state.keep(READ, ("refused", str(problem)))
    drawing_pad.use(upload.points)
    names = ", ".join(f"class {number}: {name[:40]}" for number, name in enumerate(upload.class_names, 1))
    stretched = " The columns were stretched to fill the plane." if upload.stretched else ""
    long = (
        "" if state.experiment().fits_link else f" A link holds {hand_drawn.MAX_POINTS_IN_LINK} points; keep the file."
    )
    state.keep(READ, ("read", f"{len(upload.points):,} points. {names}.{stretched}{long}"))


def _as_file(runs: Pool, token: str) -> str:
    _, arrays = runs.ask(token, "points", {})
    return as_csv(arrays["points"], arrays["labels"], arrays["trained"])
