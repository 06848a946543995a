"""The parts of the page of images that question the visitor's own network."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from lab.experiment.experiment import Experiment
from lab.experiment.recipes import RECIPES, SHARED_BUG, Recipe
from lab.queries.gallery import SHOWN
from ui.images.digit_pad import YOURS, reads_pictures
from ui.images.image_component import part, sent
from ui.kit.escape import plain
from ui.kit.page_parts import ask
from ui.playground.transport import bar
from ui.session import state

WEIGHTS_EVERY, QUESTIONS_EVERY = 0.4, 2.0  # seconds while it trains
SURE = "So sure and so wrong: look whether you could have read them."


def network() -> None:
    """Which network this page is about, and its buttons."""
    if not reads_pictures():
        with st.container(horizontal=True, vertical_alignment="center", key="offer"):
            st.markdown(
                "The network of the playground does not read pictures. The pad below works all the same.",
                width="content",
            )
            _set_up_button(RECIPES["digits"], "Read small digits with it", "primary", width="content")
        return
    bar("How much is learnt between two looks.")


def first_layer() -> None:
    """The weights of the first layer as pictures, live; tells the page when training begins or ends."""
    if not reads_pictures():
        return
    status = state.status()["status"]
    st.subheader("First layer")
    st.fragment(_first_layer, run_every=WEIGHTS_EVERY if status == "running" else None)(status)


def _first_layer(drawn: str) -> None:
    """drawn: the status that the rest of the page shows."""
    state.look_again()
    (header, arrays), (scores, _) = ask("first_layer"), ask("images")
    if header["status"] != drawn:
        st.rerun()
    e, notice = state.experiment(), state.status()["notice"]
    st.markdown(
        f"**{plain(e.source.label)}**, {_shape(e)}: epoch {header['epoch']:,}, "
        f"test accuracy {scores['test_accuracy']:.1%}. {plain(notice)}"
    )
    many, shown = header["units"], len(arrays["weights"])
    what = "filters of the first convolution" if header["filters"] else "units of the first layer"
    words = (
        f"What the {many if shown == many else f'first {shown} of {many}'} {what} look for: blue where ink speaks for "
        f"a unit, orange where it speaks against it. The strongest weight is {header['largest']:.2f}."
    )
    alt = f"Weights of the {what} as {shown} pictures after {header['epoch']} epochs."
    part("weights", "weights", {"words": words, "alt": alt, "epoch": header["epoch"]}, arrays)


def questions() -> None:
    """Confusion matrix, the pictures in its cells, the surest mistakes, and scores of every class."""
    if reads_pictures():
        running = state.status()["status"] == "running"
        st.fragment(_questions, run_every=QUESTIONS_EVERY if running else None)()


def _questions() -> None:
    state.look_again()
    header, arrays = ask("images")
    names = header["classes"]
    cell = _cell(sent("matrix", "cell"), len(names))
    left, right = st.columns([5, 6], gap="large")
    with left:
        st.subheader("Confusion matrix")
        st.caption("Rows: the truth. Columns: what was read. Press a number to see its pictures.")
        facts = {"names": names, "cell": cell}
        part("matrix", "matrix", facts, {"confusion": arrays["confusion"]}, on_cell_change=lambda: None)
        st.subheader("Every class")
        st.caption("Precision: of what was read as it, the share that is. Recall: of what it is, the share found.")
        precision, recall, f1, support = arrays["scores"]
        table = {"precision": precision, "recall": recall, "F1": f1, "pictures": support.astype(int)}
        shown = {name: st.column_config.NumberColumn(format="percent") for name in ("precision", "recall", "F1")}
        st.dataframe(pd.DataFrame(table, index=pd.Index(names, name="class")), column_config=shown)
    with right:
        st.subheader("Pictures of a cell")
        if cell is None:
            st.caption("Press a number of the matrix.")
        else:
            count, pictures = ask("cell", truth=cell[0], read=cell[1])
            what = f"{names[cell[0]]} read as {names[cell[1]]}: {count['count']:,} of {header['test']:,} test pictures"
            words = f"{what}{f', the first {SHOWN} of them' if count['count'] > SHOWN else ''}."
            _pictures("cell_pictures", names, words, pictures)
        st.subheader("Surest mistakes")
        count, pictures = ask("mistakes")
        among = "" if count["searched"] == count["count"] else f" Found among the first {count['searched']:,}."
        _pictures("mistakes", names, f"{count['count']:,} mistakes. {SURE}{among}", pictures)


def _pictures(key: str, names: list[str], words: str, pictures: dict[str, Any]) -> None:
    part("pictures", key, {"names": names, "words": words}, pictures, on_pick_change=lambda: _pick(key))


def _pick(key: str) -> None:
    """A picture was pressed: it becomes the test picture that is looked at below."""
    row = sent(key, "pick")
    if type(row) is int and row >= 0:
        st.session_state["picture_row"], st.session_state["reader"] = row, YOURS
        state.draw_the_rest()


def _cell(value: Any, classes: int) -> tuple[int, int] | None:
    """What the matrix has sent, if it is a cell of it."""
    match value:
        case [int(truth), int(read)] if 0 <= truth < classes and 0 <= read < classes:
            return truth, read
    return None


def recipes() -> None:
    """The experiments of the five projects and today's, each set up with one press."""
    st.caption(
        f"The experiments this playground grew from, with the gradient right, and what is done today. {SHARED_BUG}"
    )
    if not RECIPES["modern"].experiment.source.available():
        st.caption("The files of MNIST are not on this machine yet, so its recipes wait for them.")
    for recipe in RECIPES.values():
        button, told = st.columns([2, 5])
        with button:
            missing = not recipe.experiment.source.available()
            _set_up_button(recipe, recipe.label, "secondary", missing)
        measure = "test accuracy" if recipe.experiment.source.classes else "R2"
        ours = f"Ours reaches {measure} {recipe.reached:.3g}"
        past = f". The original: {recipe.original}; its bug: {recipe.bug}" if recipe.original else ""
        told.markdown(f"{recipe.sentence}  \n:small[:gray[{ours}{past}.]]")


def _set_up_button(recipe: Recipe, label: str, kind: Any, missing: bool = False, width: Any = "stretch") -> None:
    help = "Sets up this experiment; what you have now is replaced."
    options = {"key": f"set_up_{kind}_{recipe.name}", "disabled": missing, "type": kind, "help": help, "width": width}
    st.button(label, on_click=_set_up, args=(recipe.experiment,), **options)


def _set_up(experiment: Experiment) -> None:
    state.change(**experiment.model_dump())


def _shape(e: Experiment) -> str:
    blocks = [f"{filters} filters" for filters in e.conv]
    return " - ".join(map(str, (e.inputs, *blocks, *e.hidden, e.outputs)))
