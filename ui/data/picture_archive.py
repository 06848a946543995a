"""Images in a zip file: upload, progress, and a preview of what the network gets."""

from __future__ import annotations

import numpy as np
import streamlit as st

from data.files.picture_files import DEFAULT_SIDE, FORMATS, MAX_BYTES, SIDES, Pictures, read_pictures
from data.files.user_data import PreparedData, UserDataError
from data.names import shown
from lab.experiment.own_data import UploadedFile
from ui.data.reading_place import reading_place
from ui.data.training import train_button
from ui.data.uploaded_file import Choices, upload_box
from ui.kit.escape import escape_markdown
from ui.kit.inline_picture import picture
from ui.session import state

SHEET_ROWS, SHEET_COLUMNS = 8, 12  # of the preview
SHEET_WIDTH_PX = 480
SECTION = "pictures"  # name of its file among the uploads of a visitor
STOPPED = "stopped"


def picture_archive() -> None:
    """Upload, image size, preview, and the button that trains."""
    file = upload_box(
        SECTION,
        "Images in a zip file",
        ["zip"],
        MAX_BYTES,
        f"One folder per class, with pictures in {FORMATS} format. The name of the folder is the name of the "
        "class. Folders such as train and test above the classes are counted together.",
    )
    choices = Choices(SECTION, file)
    sentence = "Each image becomes a gray square with this many pixels per side. Small images train faster."
    value = choices.value("side", SIDES, DEFAULT_SIDE)
    bound = choices.bound("side", value, value=value)
    side = st.select_slider("Pixels per side", SIDES, help=sentence, **bound)
    if file is None:
        st.caption(
            "One folder per class, such as cat/1.png and dog/1.jpg. At most 50 MB, 20,000 images and 50 classes."
        )
        return
    draft = _draft(f"{file.digest} {file.name} {side}")
    if draft is None:
        draft = _read(file, side, f"{file.digest} {file.name} {side}")
    if isinstance(draft, Pictures):
        preview(draft.prepared, "train_pictures", draft.notes)
    elif draft == STOPPED:
        st.caption("Stopped before all images were read.")
        st.button("Read the images", key="read_again", on_click=_store, args=("", None))
    else:
        st.error(escape_markdown(draft))


def _draft(key: str) -> Pictures | str | None:
    """The result for this file and size, if it was the last one."""
    last, result = state.notes().get("pictures", ("", None))
    return result if last == key else None


def _store(key: str, result: Pictures | str | None) -> None:
    state.notes()["pictures"] = (key, result)


def _read(file: UploadedFile, side: int, key: str) -> Pictures | str:
    """The images, or a sentence that rejects them. The button Stop ends this script run."""
    place = st.container()
    place.button("Stop reading", key="stop_reading", on_click=_store, args=(key, STOPPED))
    bar = place.progress(0.0, "Reading the images")
    result: Pictures | str = ""
    try:
        with reading_place():
            for step in read_pictures(file.read(), file.name, side):
                if isinstance(step, Pictures):
                    result = step
                else:
                    done, total = step
                    bar.progress(done / total, f"{done:,} of {total:,} images have been read.")
    except UserDataError as problem:
        result = str(problem)
    _store(key, result)
    st.rerun()


def preview(prepared: PreparedData, key: str, notes: tuple[str, ...] = ()) -> None:
    """The size of each class, notes on the file, the button that trains, and some images as the network gets them."""
    rows, columns = prepared.image_shape or (0, 0)
    counts = np.bincount(prepared.y, minlength=len(prepared.class_names)).tolist()
    words = [f"{name} ({count:,})" for name, count in zip(shown(prepared.class_names), counts, strict=True)]
    what = f"{len(prepared.y):,} images of {rows} by {columns} pixels in {len(counts)} classes"
    st.markdown(f"{what}: {escape_markdown(', '.join(words))}.")
    st.markdown("\n".join(f"- {escape_markdown(sentence)}" for sentence in notes))
    train_button(prepared, key)
    rows_shown = shown(prepared.class_names)[:SHEET_ROWS]
    alt = f"Samples as the network gets them. One row per class, from the top: {', '.join(rows_shown)}."
    picture(_sheet(prepared), caption=escape_markdown(alt), width=SHEET_WIDTH_PX, alt=alt)


def _sheet(prepared: PreparedData) -> np.ndarray:
    """The first images of each class, one class per row, uint8."""
    side = prepared.image_shape[0] if prepared.image_shape else 0
    times = max(1, 2 * SHEET_WIDTH_PX // (SHEET_COLUMNS * side))  # twice the resolution of the page, for sharp edges
    sheet = np.full(
        (min(SHEET_ROWS, len(prepared.class_names)) * (side + 1), SHEET_COLUMNS * (side + 1)), 128, dtype=np.uint8
    )
    for row in range(len(sheet) // (side + 1)):
        for column, i in enumerate(np.flatnonzero(prepared.y == row)[:SHEET_COLUMNS]):
            top, left = row * (side + 1), column * (side + 1)
            sheet[top : top + side, left : left + side] = prepared.x[i].reshape(side, side)
    return sheet.repeat(times, axis=0).repeat(times, axis=1)
