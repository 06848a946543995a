"""A table in a text file: upload, preview, and the choice of target, inputs and missing values."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from data.files import picture_tables
from data.files.table_files import MAX_BYTES, Column, Table, read_table
from data.files.table_roles import (
    GAP_RULES,
    TASKS,
    Choices,
    prepare_table,
    propose,
    proposed_target,
    proposed_task,
    tasks,
    unfit,
)
from data.files.user_data import PreparedData, UserDataError
from data.names import clean
from ui.data.picture_archive import preview as picture_preview
from ui.data.training import train_button
from ui.kit.escape import escape_markdown
from ui.kit.widgets import labels

ENDINGS = ["csv", "tsv", "tab", "txt", "data", "gz"]
PREVIEW_ROWS = 5


def table_file() -> None:
    """Upload, preview, choices, and the button that trains."""
    file = st.file_uploader(
        "A table in a text file",
        ENDINGS,
        key="table_file",
        max_upload_size=MAX_BYTES // 1_000_000,
        help="CSV or similar, optionally gzipped: separated by commas, semicolons, tabs or bars; in UTF-8, UTF-16 or a "
        "Western encoding; with decimal points or commas; with or without a row of column names.",
    )
    if file is None:
        st.caption(
            "One row per example, one column with the value to predict. Images work as well: a label and one column "
            "per pixel. At most 20 MB, 100,000 rows, 1,000 columns and 4,000,000 cells."
        )
        return
    try:
        pictures = _pictures(file.file_id, file.name, file)
        if pictures and st.toggle(
            "These are images",
            True,
            key=f"as_pictures_{file.file_id}",
            help="Off: pixels are treated like other numbers.",
        ):
            picture_preview(pictures, "train_pixels")
            return
        named = _header_box(file.file_id, file)
        whole = _table(file.file_id, named, file)
        _preview(whole)
        _choices(file.file_id, file.name, whole)
    except UserDataError as problem:
        st.error(escape_markdown(str(problem)))


@st.cache_resource(scope="session", max_entries=1, show_spinner="Reading the table")
def _pictures(file_id: str, name: str, _file: Any) -> PreparedData | None:
    return picture_tables.read_pictures(_file.getvalue(), name)


@st.cache_resource(scope="session", max_entries=1, show_spinner="Reading the table")
def _table(file_id: str, named: bool | None, _file: Any) -> Table:
    return read_table(_file.getvalue(), named)


def _header_box(file_id: str, file: Any) -> bool | None:
    key = f"named_{file_id}"
    guessed = st.session_state.get(key)
    if guessed is None:
        guessed = _table(file_id, None, file).header
    return st.checkbox(
        "The first row contains column names",
        guessed,
        key=key,
        help="Detected automatically; change it if it is wrong.",
    )


def _preview(whole: Table) -> None:
    st.markdown(
        f"{whole.rows:,} rows and {len(whole.columns):,} columns, separated by {whole.separator}s, in "
        f"{whole.encoding}. Preview:"
    )
    first = {column.name: _cells(column) for column in whole.columns[:50]}
    st.dataframe(pd.DataFrame(first), hide_index=True, height="content", key="preview")


def _cells(column: Column) -> list[Any]:
    values = column.values[:PREVIEW_ROWS].tolist()
    if column.categories:
        return [None if value < 0 else column.categories[value] for value in values]
    return values


def _choices(file_id: str, name: str, whole: Table) -> None:
    left, middle, right = st.columns(3, gap="medium")
    with left:
        help = "The column that the network learns to predict."
        place = whole.names.index(proposed_target(whole))
        target = st.selectbox("Target column", whole.names, place, key=f"target_{file_id}", help=help)
    column = whole.column(target)
    with middle:
        allowed, key = tasks(column), f"task_{file_id}_{target}"
        help = "Classes: one of a few categories. Numbers: a quantity. Text can only be classes."
        task = st.segmented_control("Task", allowed, default=proposed_task(column), required=True,
                                    format_func=TASKS.__getitem__, key=key, help=help)  # fmt: skip
    with right:
        help = " ".join(f"{record.label}: {record.sentence}" for record in GAP_RULES.values())
        gaps = st.selectbox(
            "Missing values", list(GAP_RULES), format_func=labels(GAP_RULES), key=f"gaps_{file_id}", help=help
        )
    others = [name for name in whole.names if name != target]
    proposed = propose(whole, target, task)
    help = "The columns that the network gets. Numbers are standardized; each category becomes one input."
    features = st.multiselect(
        "Input columns", others, list(proposed.features), key=f"features_{file_id}_{target}", help=help
    )
    left_out = [f"{c.name}: {why}" for c in whole.columns if c.name != target and (why := unfit(c))]
    if left_out:
        st.caption(
            f"Not suggested: {escape_markdown('; '.join(left_out[:6]))}{' and others' if len(left_out) > 6 else ''}."
        )
    prepared, notes = _prepared(file_id, whole.header, Choices(target, tuple(features), task, gaps), name, whole)
    st.markdown("\n".join(f"- {escape_markdown(sentence)}" for sentence in notes))
    train_button(prepared, "train_table")


@st.cache_resource(scope="session", max_entries=1, show_spinner="Preparing the table")
def _prepared(file_id: str, header: bool, choices: Choices, name: str, _whole: Table) -> tuple[PreparedData, list[str]]:
    return prepare_table(_whole, choices, clean(name))
