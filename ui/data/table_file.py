"""A table in a text file: upload, preview, and the choice of target, inputs and missing values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd
import streamlit as st

from data.counted import counted
from data.files import picture_tables
from data.files.table_files import Column, Table, column_names, read_frame, read_table, separator_name
from data.files.table_layout import SEPARATORS, Layout
from data.files.table_roles import (
    GAP_RULES,
    TASKS,
    left_out,
    prepare_table,
    propose,
    proposed_target,
    proposed_task,
    tasks,
)
from data.files.table_roles import Choices as Chosen
from data.files.text_encoding import COMMON, LETTERS, MAX_BYTES
from data.files.user_data import PreparedData, UserDataError
from data.names import clean, shown
from lab.experiment.own_data import UploadedFile
from ui.data.picture_archive import preview as picture_preview
from ui.data.training import train_button
from ui.data.uploaded_file import Choices, late_bar, remembered, upload_box
from ui.kit.escape import escape_markdown
from ui.kit.widgets import labels

SECTION = "table"  # name of its file among the uploads of a visitor
ENCODINGS = ["utf-8", "utf-16", *COMMON, *(name for name, _ in LETTERS)]
ENDINGS = ["csv", "tsv", "tab", "txt", "data", "gz"]
PREVIEW_ROWS = 5
MAX_HEADER_LINE = 100
MARKS = {".": "point", ",": "comma"}
THOUSANDS_MARKS = {**MARKS, "": "none"}


def table_file() -> None:
    """Upload, preview, choices, and the button that trains."""
    file = upload_box(
        SECTION,
        "A table in a text file",
        ENDINGS,
        MAX_BYTES,
        "CSV or similar, optionally gzipped: separated by commas, semicolons, tabs, bars or blanks; in UTF-8, "
        "UTF-16 or an encoding of Windows; with decimal points or commas; with or without a row of column names.",
    )
    if file is None:
        st.caption(
            "One row per example, one column with the value to predict. Images work as well: a label and one column "
            "per pixel. At most 50 MB, 100,000 rows, 1,000 columns and 4,000,000 cells."
        )
        return
    choices = Choices(SECTION, file)
    try:
        layout = _layout(file, choices)
        pictures = _pictures(file, layout)
        are_images = choices.value("as_pictures", proposed=True)
        bound = choices.bound("as_pictures", are_images, value=are_images)
        if pictures and st.toggle("These are images", help="Off: pixels are treated like other numbers.", **bound):
            picture_preview(pictures, "train_pixels")
            return
        whole = _table(file, layout)
        _preview(whole)
        _choices(file, whole, layout, choices)
    except UserDataError as problem:
        st.error(escape_markdown(str(problem)))


def _pictures(file: UploadedFile, layout: Layout) -> PreparedData | None:
    read = lambda: picture_tables.read_pictures(file.read(), file.name, layout=layout)  # noqa: E731
    return remembered("pixels", (file.digest, file.name, layout), read)


def _table(file: UploadedFile, layout: Layout) -> Table:
    def read() -> Table:
        with late_bar("Reading the table") as progress:
            return read_table(file.read(), layout, progress=progress)

    return remembered("table", (file.digest, layout), read)


def _decided(file: UploadedFile, layout: Layout) -> tuple[Layout, tuple[str, ...]]:
    """The layout, completed by the reader, and the names of the columns."""

    def read() -> tuple[Layout, tuple[str, ...]]:
        _, frame = read_frame(file.read(), layout)
        return frame.layout, tuple(column_names(frame.names))

    return remembered("decided", (file.digest, layout), read)


def _layout(file: UploadedFile, choices: Choices) -> Layout:
    """The decisions of the reader that the user has overruled; None for all others."""
    try:
        found, names = _decided(file, Layout())
    except UserDataError:  # perhaps another encoding or separator helps
        found, names = Layout(), ()
    with st.expander("How this file was read"):
        left, middle, right = st.columns(3, gap="medium")
        with left:
            encoding = _overrule("Encoding", ENCODINGS, str, choices, found.encoding)
            value = choices.value("missing", proposed="")
            missing = st.text_input(
                "Missing values are written as",
                placeholder="automatic",
                help="Words, separated by blanks, such as: NA -99. Empty cells are always missing.",
                **choices.bound("missing", value, value=value),
            )
        with middle:
            separator = _overrule("Separator", SEPARATORS, SEPARATORS.__getitem__, choices, found.separator)
            header = st.number_input(
                "Line with the column names",
                0,
                MAX_HEADER_LINE,
                None,
                placeholder="none" if found.header == 0 else f"automatic: {found.header or 1}",
                help="Lines above it are passed over. 0: the file has no names.",
                **choices.bound("header", choices.value("header")),
            )
        with right:
            decimal = _overrule("Decimal mark", MARKS, MARKS.__getitem__, choices, found.decimal)
            thousands = _overrule("Thousands mark", THOUSANDS_MARKS, THOUSANDS_MARKS.__getitem__, choices, None)
        help = "Columns that are read as numbers or as words instead of what was detected."
        labels_of = _column_labels(names)
        numbers = _columns("Read as numbers", names, labels_of, choices, "numbers", (), help)
        others = [name for name in names if name not in numbers]
        words = _columns("Read as words", others, labels_of, choices, "words", (), help)
    return Layout(
        encoding,
        separator,
        None if header is None else int(header),
        decimal,
        thousands,
        tuple((missing or "").split()) or None,
        (*((name, "number") for name in numbers), *((name, "category") for name in words)),
    )


def _overrule(
    label: str, allowed: Iterable[str], show: Callable[[str], str], choices: Choices, found: str | None
) -> Any:
    """A choice that is left to the reader until something is chosen."""
    automatic = f"automatic: {show(found)}" if found is not None and found in allowed else "automatic"
    control = label.lower().replace(" ", "_")
    options = choices.bound(control, choices.value(control, allowed))
    return st.selectbox(label, list(allowed), None, format_func=show, placeholder=automatic, **options)


def _column_labels(names: Iterable[str]) -> dict[str, str]:
    """The names of all columns of a table -> how every menu and sentence shows them."""
    names = tuple(names)
    return dict(zip(names, shown(names), strict=True))


def _columns(
    label: str, names: Iterable[str], labels_of: dict[str, str], choices: Choices, control: str,
    proposed: Iterable[str], help: str,
) -> list[str]:  # fmt: skip
    """A choice of columns."""
    names = list(names)
    value = choices.values(control, names, proposed)
    bound = choices.bound(control, value, default=value)
    return st.multiselect(label, names, format_func=labels_of.__getitem__, help=help, **bound)


def _preview(whole: Table) -> None:
    st.markdown(
        f"{counted(whole.rows, 'row')} and {counted(len(whole.columns), 'column')}, separated by "
        f"{separator_name(whole.layout)}s, in {whole.layout.encoding}. Preview:"
    )
    first = {column.name: _cells(column) for column in whole.columns[:50]}
    rows = pd.DataFrame(first).rename(columns=_column_labels(whole.names))
    st.dataframe(rows, hide_index=True, height="content", key="preview")
    if whole.notes:
        st.markdown("\n".join(f"- {escape_markdown(sentence)}" for sentence in whole.notes))


def _cells(column: Column) -> list[Any]:
    values = column.values[:PREVIEW_ROWS].tolist()
    if column.categories:
        return [None if value < 0 else clean(column.categories[value]) for value in values]
    return values


def _choices(file: UploadedFile, whole: Table, layout: Layout, choices: Choices) -> None:
    labels_of = _column_labels(whole.names)
    left, middle, right = st.columns(3, gap="medium")
    with left:
        help = "The column that the network learns to predict."
        value = choices.value("target", whole.names, proposed_target(whole))
        bound = choices.bound("target", value, index=whole.names.index(value))
        target = st.selectbox("Target column", whole.names, format_func=labels_of.__getitem__, help=help, **bound)
    column = whole.column(target)
    with middle:
        allowed, control = tasks(column), f"task_{target}"
        value = choices.value(control, allowed, proposed_task(column))
        bound = choices.bound(control, value, default=value)
        help = "Classes: one of a few categories. Numbers: a quantity. Text can only be classes."
        task = st.segmented_control("Task", allowed, required=True, format_func=TASKS.__getitem__, help=help, **bound)
    with right:
        help = " ".join(f"{record.label}: {record.sentence}" for record in GAP_RULES.values())
        rules = list(GAP_RULES)
        value = choices.value("gaps", rules, rules[0])
        bound = choices.bound("gaps", value, index=rules.index(value))
        gaps = st.selectbox("Missing values", rules, format_func=labels(GAP_RULES), help=help, **bound)
    others = [name for name in whole.names if name != target]
    help = "The columns that the network gets. Numbers are standardized; each category becomes one input."
    proposed = propose(whole, target, task).features
    features = _columns("Input columns", others, labels_of, choices, f"features_{target}", proposed, help)
    reasons = [f"{labels_of[name]}: {why}" for name, why in left_out(whole, target).items()]
    if reasons:
        st.caption(
            f"Not suggested: {escape_markdown('; '.join(reasons[:6]))}{' and others' if len(reasons) > 6 else ''}."
        )
    prepared, notes = _prepared(file, layout, Chosen(target, tuple(features), task, gaps), whole)
    st.markdown("\n".join(f"- {escape_markdown(sentence)}" for sentence in notes))
    train_button(prepared, "train_table")


def _prepared(file: UploadedFile, layout: Layout, chosen: Chosen, whole: Table) -> tuple[PreparedData, list[str]]:
    prepare = lambda: prepare_table(whole, chosen, clean(file.name))  # noqa: E731
    return remembered("prepared", (file.digest, file.name, layout, chosen), prepare)
