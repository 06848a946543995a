"""On the page Data: pictures from a zip file, read in pieces, and shown as the network gets them."""

from __future__ import annotations

import numpy as np
import streamlit as st

from data.files.picture_files import MOST_BYTES, SIDES, read_pictures
from data.files.user_data import OwnError, Prepared
from ui.data.own_sets import train_button
from ui.kit.escape import plain
from ui.kit.inline_picture import picture
from ui.session import state

ROWS, COLUMNS = 8, 12  # of the sheet of samples
SHEET = 480  # pixels wide


def pictures() -> None:
    """Upload, size, a look at the squares, and Train."""
    file = st.file_uploader(
        "Pictures in a zip file",
        ["zip"],
        key="pictures_file",
        max_upload_size=MOST_BYTES // 1_000_000,
        help="A folder for each class, PNG or JPEG in it. The name of the folder is the name of the class.",
    )
    sentence = "Each picture becomes a grey square of so many pixels a side. Small squares train faster."
    side = st.select_slider("Pixels a side", SIDES, 28, key="pictures_side", help=sentence)
    if file is None:
        st.caption(
            "A folder for each class, such as cat/1.png and dog/1.jpg. At most 50 MB, 20,000 pictures and 50 classes."
        )
        return
    draft = _draft(f"{file.file_id} {side}")
    if draft is None:
        draft = _read(file.getvalue(), file.name, side, f"{file.file_id} {side}")
    if isinstance(draft, Prepared):
        show(draft, "train_pictures")
    elif draft == STOPPED:
        st.caption("Stopped before all pictures were read.")
        st.button("Read the pictures", key="read_again", on_click=_keep, args=("", None))
    else:
        st.error(plain(draft))


STOPPED = "stopped"


def _draft(key: str) -> Prepared | str | None:
    """What was read under this key, if it was the last."""
    last, result = state.notes().get("pictures", ("", None))
    return result if last == key else None


def _keep(key: str, result: Prepared | str | None) -> None:
    state.notes()["pictures"] = (key, result)


def _read(content: bytes, title: str, side: int, key: str) -> Prepared | str:
    """The pictures, or the sentence that refuses them. A press on Stop ends this script run."""
    place = st.container()
    place.button("Stop reading", key="stop_reading", on_click=_keep, args=(key, STOPPED))
    bar = place.progress(0.0, "Reading the pictures")
    result: Prepared | str = ""
    try:
        for step in read_pictures(content, title, side):
            if isinstance(step, Prepared):
                result = step
            else:
                done, total = step
                bar.progress(done / total, f"{done:,} of {total:,} pictures are read.")
    except OwnError as problem:
        result = str(problem)
    _keep(key, result)
    st.rerun()


def show(prepared: Prepared, key: str) -> None:
    """How many there are of each class, Train, and some of them as the network gets them."""
    rows, columns = prepared.image_shape or (0, 0)
    counts = np.bincount(prepared.y, minlength=len(prepared.class_names)).tolist()
    words = [f"{name} ({count:,})" for name, count in zip(prepared.class_names, counts, strict=True)]
    what = f"{len(prepared.y):,} pictures of {rows} by {columns} pixels in {len(counts)} classes"
    st.markdown(f"{what}: {plain(', '.join(words))}.")
    train_button(prepared, key)
    drawn = prepared.class_names[:ROWS]
    alt = f"Samples as the network gets them. One row a class, from the top: {', '.join(drawn)}."
    picture(_sheet(prepared), caption=plain(alt), width=SHEET, alt=alt)


def _sheet(prepared: Prepared) -> np.ndarray:
    """The first pictures of each class, a class in each row, uint8."""
    side = prepared.image_shape[0] if prepared.image_shape else 0
    times = max(1, 2 * SHEET // (COLUMNS * side))  # twice as fine as it is shown, for sharp edges
    sheet = np.full((min(ROWS, len(prepared.class_names)) * (side + 1), COLUMNS * (side + 1)), 128, dtype=np.uint8)
    for row in range(len(sheet) // (side + 1)):
        for column, i in enumerate(np.flatnonzero(prepared.y == row)[:COLUMNS]):
            top, left = row * (side + 1), column * (side + 1)
            sheet[top : top + side, left : left + side] = prepared.x[i].reshape(side, side)
    return sheet.repeat(times, axis=0).repeat(times, axis=1)
