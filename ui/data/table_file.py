"""A table in a text file: upload, preview, and the choice of target, inputs and missing values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd
import streamlit as st

from data.files import picture_tables
from data.files.table_files import Column, Table, column_names, read_frame, read_table, separator_name
from data.files.table_layout import SEPARATORS, Layout
from data.files.table_roles import (
    GAP_RULES,
    TASKS,
    Choices,
    left_out,
    prepare_table,
    propose,
    proposed_target,
    proposed_task,
    tasks,
)
from data.files.text_encoding import COMMON, LETTERS, MAX_BYTES
from data.files.user_data import PreparedData, UserDataError
from data.names import clean, shown
from ui.data.picture_archive import preview as picture_preview
from ui.data.training import train_button
from ui.kit.escape import escape_markdown
from ui.kit.widgets import labels

ENCODINGS = ["utf-8", "utf-16", *COMMON, *(name for name, _ in LETTERS)]
ENDINGS = ["csv", "tsv", "tab", "txt", "data", "gz"]
PREVIEW_ROWS = 5
MAX_HEADER_LINE = 100
MARKS = {".": "point", ",": "comma"}
THOUSANDS_MARKS = {**MARKS, "": "none"}


def table_file() -> None:
    """Upload, preview, choices, and the button that trains."""
    file = st.file_uploader(
        "A table in a text file",
        ENDINGS,
        key="table_file",
        max_upload_size=MAX_BYTES // 1_000_000,
        help="CSV or similar, optionally gzipped: separated by commas, semicolons, tabs, bars or blanks; in UTF-8, "
        "UTF-16 or an encoding of Windows; with decimal points or commas; with or without a row of column names.",
    )
    if file is None:
        st.caption(
            "One row per example, one column with the value to predict. Images work as well: a label and one column "
            "per pixel. At most 50 MB, 100,000 rows, 1,000 columns and 4,000,000 cells."
        )
        return
    try:
        layout = _layout(file.file_id, file)
        pictures = _pictures(file.file_id, layout, file.name, file)
        if pictures and st.toggle(
            "These are images",
            True,
            key=f"as_pictures_{file.file_id}",
            help="Off: pixels are treated like other numbers.",
        ):
            picture_preview(pictures, "train_pixels")
            return
        whole = _table(file.file_id, layout, file)
        _preview(whole)
        _choices(file.file_id, file.name, whole, layout)
    except UserDataError as problem:
        st.error(escape_markdown(str(problem)))


@st.cache_resource(scope="session", max_entries=1, show_spinner="Reading the table")
def _pictures(file_id: str, layout: Layout, name: str, _file: Any) -> PreparedData | None:
    return picture_tables.read_pictures(_file.getvalue(), name, layout=layout)


@st.cache_resource(scope="session", max_entries=2, show_spinner="Reading the table")
def _table(file_id: str, layout: Layout, _file: Any) -> Table:
    return read_table(_file.getvalue(), layout)


@st.cache_resource(scope="session", max_entries=2, show_spinner="Reading the table")
def _decided(file_id: str, layout: Layout, _file: Any) -> tuple[Layout, tuple[str, ...]]:
    """The layout, completed by the reader, and the names of the columns."""
    _, frame = read_frame(_file.getvalue(), layout)
    return frame.layout, tuple(column_names(frame.names))


def _layout(file_id: str, file: Any) -> Layout:
    """The decisions of the reader that the user has overruled; None for all others."""
    try:
        found, names = _decided(file_id, Layout(), file)
    except UserDataError:  # perhaps another encoding or separator helps
        found, names = Layout(), ()
    with st.expander("How this file was read"):
        left, middle, right = st.columns(3, gap="medium")
        with left:
            encoding = _overrule("Encoding", ENCODINGS, str, file_id, found.encoding)
            missing = st.text_input(
                "Missing values are written as",
                key=f"missing_words_{file_id}",
                placeholder="automatic",
                help="Words, separated by blanks, such as: NA -99. Empty cells are always missing.",
            )
        with middle:
            separator = _overrule("Separator", SEPARATORS, SEPARATORS.__getitem__, file_id, found.separator)
            header = st.number_input(
                "Line with the column names",
                0,
                MAX_HEADER_LINE,
                None,
                key=f"named_{file_id}",
                placeholder="none" if found.header == 0 else f"automatic: {found.header or 1}",
                help="Lines above it are passed over. 0: the file has no names.",
            )
        with right:
            decimal = _overrule("Decimal mark", MARKS, MARKS.__getitem__, file_id, found.decimal)
            thousands = _overrule("Thousands mark", THOUSANDS_MARKS, THOUSANDS_MARKS.__getitem__, file_id, None)
        help = "Columns that are read as numbers or as words instead of what was detected."
        numbers = st.multiselect("Read as numbers", names, format_func=clean, key=f"numbers_{file_id}", help=help)
        others = [name for name in names if name not in numbers]
        words = st.multiselect("Read as words", others, format_func=clean, key=f"words_{file_id}", help=help)
    return Layout(
        encoding,
        separator,
        header,
        decimal,
        thousands,
        tuple(missing.split()) or None,
        (*((name, "number") for name in numbers), *((name, "category") for name in words)),
    )


def _overrule(label: str, allowed: Iterable[str], show: Callable[[str], str], file_id: str, found: str | None) -> Any:
    """A choice that is left to the reader until something is chosen."""
    automatic = f"automatic: {show(found)}" if found is not None and found in allowed else "automatic"
    key = f"{label.lower().replace(' ', '_')}_{file_id}"
    return st.selectbox(label, list(allowed), None, format_func=show, key=key, placeholder=automatic)


def _preview(whole: Table) -> None:
    st.markdown(
        f"{whole.rows:,} rows and {len(whole.columns):,} columns, separated by {separator_name(whole.layout)}s, in "
        f"{whole.layout.encoding}. Preview:"
    )
    first = {column.name: _cells(column) for column in whole.columns[:50]}
    names = dict(zip(first, shown(tuple(first)), strict=True))
    st.dataframe(pd.DataFrame(first).rename(columns=names), hide_index=True, height="content", key="preview")
    if whole.notes:
        st.markdown("\n".join(f"- {escape_markdown(sentence)}" for sentence in whole.notes))


def _cells(column: Column) -> list[Any]:
    values = column.values[:PREVIEW_ROWS].tolist()
    if column.categories:
        return [None if value < 0 else clean(column.categories[value]) for value in values]
    return values


def _choices(file_id: str, name: str, whole: Table, layout: Layout) -> None:
    left, middle, right = st.columns(3, gap="medium")
    with left:
        help = "The column that the network learns to predict."
        place = whole.names.index(proposed_target(whole))
        target = st.selectbox(
            "Target column", whole.names, place, format_func=clean, key=f"target_{file_id}", help=help
        )
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
        "Input columns",
        others,
        list(proposed.features),
        format_func=clean,
        key=f"features_{file_id}_{target}",
        help=help,
    )
    reasons = [f"{clean(name)}: {why}" for name, why in left_out(whole, target).items()]
    if reasons:
        st.caption(
            f"Not suggested: {escape_markdown('; '.join(reasons[:6]))}{' and others' if len(reasons) > 6 else ''}."
        )
    prepared, notes = _prepared(file_id, layout, Choices(target, tuple(features), task, gaps), name, whole)
    st.markdown("\n".join(f"- {escape_markdown(sentence)}" for sentence in notes))
    train_button(prepared, "train_table")


@st.cache_resource(scope="session", max_entries=1, show_spinner="Preparing the table")
def _prepared(
    file_id: str, layout: Layout, choices: Choices, name: str, _whole: Table
) -> tuple[PreparedData, list[str]]:
    return prepare_table(_whole, choices, clean(name))
