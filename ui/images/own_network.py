"""The visitor's own network on the page Images: its first layer, its confusion matrix, its mistakes."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from data.counted import counted
from lab.experiment.experiment import Experiment
from lab.experiment.recipes import RECIPES
from lab.queries.gallery import MAX_PICTURES
from ui.images.digit_pad import YOURS, classifies_images
from ui.images.image_component import part, sent
from ui.images.recipe_list import set_up_button
from ui.kit.escape import escape_markdown
from ui.kit.page_parts import ask
from ui.playground.transport import bar
from ui.session import state

WEIGHTS_REFRESH_S, MISTAKES_REFRESH_S = 0.4, 2.0  # while the network trains


def transport() -> None:
    """The buttons that train the network, or an offer to set up one that classifies images."""
    if not classifies_images():
        with st.container(horizontal=True, vertical_alignment="center", key="offer"):
            st.markdown(
                "Your current network does not work on images. You can still draw below: the built-in network "
                "recognizes digits.",
                width="content",
            )
            set_up_button(RECIPES["digits"], "Train it on small digits", "primary", width="content")
        return
    bar("How much training happens between two refreshes of this page.")


def first_layer() -> None:
    """The weights of the first layer as live images. Redraws the page when training begins or ends."""
    if not classifies_images():
        return
    status = state.status()["status"]
    st.subheader("First layer")
    st.fragment(_first_layer, run_every=WEIGHTS_REFRESH_S if status == "running" else None)(status)


def _first_layer(shown_status: str) -> None:
    """shown_status: the status that the rest of the page shows."""
    state.look_again()
    (header, arrays), (scores, _) = ask("first_layer"), ask("images")
    if header["status"] != shown_status:
        st.rerun()
    e, notice = state.experiment(), state.status()["notice"]
    st.markdown(
        f"**{escape_markdown(e.source.label)}**, {_shape(e)}: epoch {header['epoch']:,}, "
        f"test accuracy {scores['test_accuracy']:.1%}. {escape_markdown(notice)}"
    )
    many, shown = header["units"], len(arrays["weights"])
    what = "filters of the first convolution" if header["filters"] else "neurons of the first layer"
    words = (
        f"Weights of the {many if shown == many else f'first {shown} of {many}'} {what}: blue where ink raises the "
        f"activation, orange where it lowers it. The largest weight is {header['largest']:.2f}."
    )
    alt = f"Weights of the {what} as {shown} images after {counted(header['epoch'], 'epoch')}."
    part("weights", "weights", {"words": words, "alt": alt, "epoch": header["epoch"]}, arrays)


def confusion_and_mistakes() -> None:
    """Confusion matrix, scores per class, the images in a cell, and the most confident mistakes."""
    if classifies_images():
        running = state.status()["status"] == "running"
        st.fragment(_confusion_and_mistakes, run_every=MISTAKES_REFRESH_S if running else None)()


def _confusion_and_mistakes() -> None:
    state.look_again()
    header, arrays = ask("images")
    names = header["classes"]
    cell = _cell(sent("matrix", "cell"), len(names))
    left, right = st.columns([5, 6], gap="large")
    with left:
        st.subheader("Confusion matrix")
        st.caption("Test images. Rows: actual class. Columns: predicted class. Select a number to see its images.")
        facts = {"names": names, "cell": cell}
        part("matrix", "matrix", facts, {"confusion": arrays["confusion"]}, on_cell_change=lambda: None)
        st.subheader("Scores per class")
        st.caption(
            "Precision: of the test images predicted as this class, the share that really are. Recall: of the test "
            "images that really are this class, the share predicted as it."
        )
        precision, recall, f1, support = arrays["scores"]
        table = {"precision": precision, "recall": recall, "F1": f1, "images": support.astype(int)}
        shown = {name: st.column_config.NumberColumn(format="percent") for name in ("precision", "recall", "F1")}
        st.dataframe(pd.DataFrame(table, index=pd.Index(names, name="class")), column_config=shown)
    with right:
        st.subheader("Images in the selected cell")
        if cell is None:
            st.caption("Select a number in the matrix.")
        else:
            count, pictures = ask("cell", truth=cell[0], read=cell[1])
            what = f"{names[cell[0]]} predicted as {names[cell[1]]}"
            some = f", the first {MAX_PICTURES} of them" if count["count"] > MAX_PICTURES else ""
            words = f"{what}: {count['count']:,} of {header['test']:,} test images{some}."
            _pictures("cell_pictures", names, words, pictures)
        st.subheader("Most confident mistakes")
        count, pictures = ask("mistakes")
        among = "" if count["searched"] == count["count"] else f" Found among the first {count['searched']:,}."
        words = f"{count['count']:,} mistakes on test images, the most confident first. Could you read them?{among}"
        _pictures("mistakes", names, words, pictures)


def _pictures(key: str, names: list[str], words: str, pictures: dict[str, Any]) -> None:
    part("pictures", key, {"names": names, "words": words}, pictures, on_pick_change=lambda: _pick(key))


def _pick(key: str) -> None:
    """An image was clicked: it becomes the test image below."""
    row = sent(key, "pick")
    if type(row) is int and row >= 0:
        st.session_state["picture_row"], st.session_state["reader"] = row, YOURS
        state.draw_the_rest()


def _cell(value: Any, classes: int) -> tuple[int, int] | None:
    """The cell that the matrix has sent; None for anything else."""
    match value:
        case [int(truth), int(read)] if 0 <= truth < classes and 0 <= read < classes:
            return truth, read
    return None


def _shape(e: Experiment) -> str:
    blocks = [f"{filters} filters" for filters in e.conv]
    return " - ".join(map(str, (e.inputs, *blocks, *e.hidden, e.outputs)))
