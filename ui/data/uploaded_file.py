"""The file of a section of the page Data: uploaded once, kept by the server, and shown when the visitor comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import streamlit as st

from data.files.user_data import UserDataError
from data.names import clean
from lab.experiment.own_data import UPLOADS, UploadedFile
from ui.data.reading_place import reading_place
from ui.kit.escape import escape_markdown
from ui.kit.widgets import keyed
from ui.session import state
from ui.streamlit_compat.uploads import read_and_free, uploaded

T = TypeVar("T")
BAR_AFTER_S = 1.0


def upload_box(section: str, label: str, endings: list[str], max_bytes: int, help: str) -> UploadedFile | None:
    """The box for a file, and the line of the one that the visitor has in this section."""
    key = _box_key(section)
    options = {"max_upload_size": max_bytes // 1_000_000, "on_change": _take, "args": (section, key), "help": help}
    st.file_uploader(label, endings, key=key, **options)
    if refused := state.notes().get(f"{section}_refused"):
        st.error(escape_markdown(refused))
    if (file := UPLOADS.files(state.owner()).get(section)) is None:
        return None
    name = escape_markdown(clean(file.name))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{name}**, {_size(file.size)}. Another file takes its place.", width="stretch")
        help = "Deletes the file from the server. Data sets that were made of it stay."
        st.button(f"Remove {name}", key=f"remove_{section}", on_click=_remove, args=(section,), help=help)
    return file


def _box_key(section: str) -> str:
    """A new key empties the box."""
    return f"{section}_file_{state.notes().get(f'{section}_taken', 0)}"


def _take(section: str, key: str) -> None:
    """Store the uploaded file instead of the one before, if there is enough space."""
    if key != _box_key(section) or (upload := uploaded(key)) is None:
        return  # a message that was on its way repeats a file that has been taken
    notes = state.notes()
    notes[f"{section}_taken"] = notes.get(f"{section}_taken", 0) + 1
    notes[f"{section}_refused"] = ""
    try:
        chosen = notes.pop(f"{section}_choices", {})
        UPLOADS.keep_file(state.owner(), section, upload.name, read_and_free(upload), chosen)
    except UserDataError as problem:
        notes[f"{section}_refused"] = f"{clean(upload.name)} was not stored. {problem}"


def _remove(section: str) -> None:
    UPLOADS.forget_file(state.owner(), section)


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"


def remembered(what: str, key: Hashable, make: Callable[[], T], most: int = 2) -> T:
    """A value that the session has made for this key, or makes now; it has the last `most` for each `what`."""
    found: dict[Hashable, T] = state.notes().setdefault(f"remembered_{what}", {})
    if key not in found:
        with reading_place(), st.spinner("Reading the file"):
            value = make()
        for oldest in list(found)[: max(0, len(found) + 1 - most)]:
            del found[oldest]
        found[key] = value
    return found[key]


@contextmanager
def late_bar(label: str) -> Iterator[Callable[[float], None]]:
    """A progress bar that is shown if something takes longer than a second; the function takes a share from 0 to 1."""
    place, start = st.empty(), time.monotonic()

    def progress(share: float) -> None:
        if time.monotonic() - start > BAR_AFTER_S:
            place.progress(share, label)

    yield progress
    place.empty()


class Choices:
    """What a visitor has chosen for a file, or before it, as options of the widgets that show it."""

    def __init__(self, section: str, file: UploadedFile | None) -> None:
        self.section, self.digest = section, file.digest if file else ""
        self.made = file.choices if file else state.notes().setdefault(f"{section}_choices", {})

    def value(self, control: str, allowed: Iterable[Any] | None = None, proposed: Any = None) -> Any:
        """The chosen value, or the proposed one where nothing was chosen or it is not allowed any more."""
        value = self.made.get(control, proposed)
        return value if allowed is None or value in allowed else proposed

    def values(self, control: str, allowed: Iterable[str], proposed: Iterable[str] = ()) -> list[str]:
        """The same for a list, of which each item must be allowed."""
        allowed = set(allowed)
        return [name for name in self.made.get(control, proposed) if name in allowed]

    def bound(self, control: str, value: Any, /, **default: Any) -> dict[str, Any]:
        """Key and callback of the widget that shows a value.

        default: the value as an argument of the widget; not of one that can be cleared, which would go back to it.
        """
        act: Callable[[Any], None] = partial(self.made.__setitem__, control)
        if self.digest:
            act = partial(UPLOADS.choose, state.owner(), self.section, self.digest, control)
        return keyed(f"{control}_{self.digest[:12]}", value, act, default=default or None)
