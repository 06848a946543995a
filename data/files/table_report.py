"""What a file of a table was read as, as a value of JSON: python -m lab table FILE --json."""

from __future__ import annotations

from typing import Any

from data.counted import counted
from data.files.picture_tables import label_of, read_pictures
from data.files.table_files import Column, Table, column_names, read_frame, read_table
from data.files.table_layout import SEPARATORS, Layout
from data.files.table_roles import left_out, prepare_table, propose
from data.files.text_encoding import MAX_UNPACKED_BYTES
from data.files.user_data import PreparedData, UserDataError
from data.names import clean

SHOWN_VALUES = 3


def read_for_training(
    content: bytes, title: str, target: str | None = None, layout: Layout | None = None
) -> tuple[PreparedData, list[str]]:
    """The examples in a table of numbers and words, or of pictures, as proposed, and notes. Raises UserDataError."""
    if not target and (pictures := read_pictures(content, title, MAX_UNPACKED_BYTES, layout)):
        return pictures, []
    table = read_table(content, layout, MAX_UNPACKED_BYTES)
    choices = propose(table, target or "")
    prepared, said = prepare_table(table, choices, title)
    changes = [
        sentence for sentence in said if "left out" in sentence or " gaps: " in sentence
    ]  # not what always holds
    return prepared, [*table.notes, *changes, *not_proposed(table, choices.target)]


def describe_table(
    content: bytes, title: str, target: str | None = None, layout: Layout | None = None
) -> dict[str, Any]:
    """Layout, columns, proposals and notes. Raises UserDataError if the file is no table.

    Keys: encoding, separator, header, rows, columns, target, task, classes (None for regression), features,
    image_shape, notes.
    """
    pictures = None if target else read_pictures(content, title, MAX_UNPACKED_BYTES, layout)
    if pictures is not None:
        return _of_pictures(pictures, content, layout)
    table = read_table(content, layout, MAX_UNPACKED_BYTES)
    choices = propose(table, target or "")
    notes = list(table.notes)
    column = table.column(choices.target)
    classes = list(column.as_categories().categories) if choices.task == "classification" else None
    try:
        prepared, said = prepare_table(table, choices, title)
        notes += said
        classes = list(prepared.class_names) or None
    except UserDataError as problem:
        notes.append(f"The network cannot be trained as proposed: {problem}")
    notes += not_proposed(table, choices.target)
    return {
        **_layout(table.layout),
        "rows": table.rows,
        "columns": [_column(column) for column in table.columns],
        "target": choices.target,
        "task": choices.task,
        "classes": classes,
        "features": list(choices.features),
        "image_shape": None,
        "notes": notes,
    }


def not_proposed(table: Table, target: str) -> list[str]:
    """A sentence for each column that is not proposed as an input."""
    reasons = left_out(table, target).items()
    return [f"{clean(name)} is not proposed as an input: {reason}." for name, reason in reasons]


def _layout(layout: Layout) -> dict[str, Any]:
    return {"encoding": layout.encoding, "separator": layout.separator, "header": bool(layout.header)}


def _column(column: Column) -> dict[str, Any]:
    first = [int(v) if isinstance(v, float) and v.is_integer() else v for v in column.first(SHOWN_VALUES)]
    return {"name": column.name, "kind": column.kind, "missing": int(column.gaps.sum()), "first": first}


def _of_pictures(pictures: PreparedData, content: bytes, layout: Layout | None) -> dict[str, Any]:
    """The same for a table of pictures, which has too many cells to be read as columns of numbers and words."""
    _, frame = read_frame(content, layout or Layout(), MAX_UNPACKED_BYTES)
    first = [record.cells for record in frame.sample[:SHOWN_VALUES]]
    place = label_of(frame) or 0
    names = column_names(frame.names)
    columns = [
        {"name": name, "kind": "category" if i == place else "number", "missing": 0,
         "first": [cells[i] if i == place else int(cells[i]) for cells in first]}
        for i, name in enumerate(names)
    ]  # fmt: skip
    return {
        **_layout(frame.layout),
        "rows": len(pictures.y),
        "columns": columns,
        "target": names[place],
        "task": pictures.kind,
        "classes": list(pictures.class_names),
        "features": [name for i, name in enumerate(names) if i != place],
        "image_shape": list(pictures.image_shape or ()),
        "notes": [*frame.notes, f"Each row is a picture of {len(names) - 1:,} pixels."],
    }


def as_text(found: dict[str, Any]) -> str:
    """The same for people, without control characters."""
    columns = [f"  {clean(c['name'])}: {c['kind']}, {c['missing']:,} missing" for c in found["columns"]]
    header = "with names" if found["header"] else "without names"
    mark = SEPARATORS.get(found["separator"], found["separator"])
    lines = [
        f"{counted(found['rows'], 'row')} and {counted(len(columns), 'column')} {header}, "
        f"separated by {mark}s, in {found['encoding']}",
        *columns,
        f"target {clean(found['target'])} ({found['task']}), inputs {', '.join(map(clean, found['features']))}",
        *found["notes"],
    ]
    return "\n".join(lines)
