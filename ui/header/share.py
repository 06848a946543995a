"""The share dialog: a link, embed code and a file; and what students may see and change."""

from __future__ import annotations

import html
from urllib.parse import urlencode

import streamlit as st

from lab.experiment.experiment import MAX_TEXT_LENGTH, Experiment, ExperimentError
from ui.kit.escape import escape_markdown
from ui.kit.widgets import locked, shown
from ui.session import lockable_parts, state

FRAME = '<iframe src="{}" title="Backprop Playground" width="100%" height="900" style="border: 0"></iframe>'
TOO_LONG = "A link cannot hold this many drawn points. Save the experiment as a file, which holds them all."
HINTS = {"hide": ("Hide from students", "Not shown."), "lock": ("Lock for students", "Shown, but cannot be changed.")}


def button() -> None:
    sentence = (
        "A link to this experiment, embed code for your own page, or a file; and what students may see and change."
    )
    if shown("share") and st.button("Share", key="share", help=sentence, disabled=locked("share")):
        _dialog()


@st.dialog("Share", width="medium")
def _dialog() -> None:
    above = st.container()  # filled last: the link holds what is chosen below it
    view = {kind: _choose_parts(kind) for kind in lockable_parts.LISTS}
    with above:
        if state.experiment().fits_link:
            _link(state.link(view))
        else:
            st.info(TOO_LONG)
    _file()


def _link(query: dict[str, str]) -> None:
    page = state.address()
    link = f"{page}?{urlencode(query)}" if query else page
    embedded = f"{page}?{urlencode({**query, 'embed': 'true'})}"
    st.markdown(
        "**Link.** Anyone who opens it gets the same experiment, and identical results after the same number of epochs."
    )
    st.code(link, language=None, wrap_lines=True)
    st.markdown("**Embed code** for your own web page, without header and menus.")
    st.code(FRAME.format(html.escape(embedded)), language=None, wrap_lines=True)
    st.link_button("Open the link", link, help="In a new tab, as students see it; this page does not change.")


def _choose_parts(kind: str) -> tuple[str, ...]:
    label, sentence = HINTS[kind]
    options = {"selection_mode": "multi", "default": state.view()[kind], "key": f"share_{kind}", "wrap": True}
    show = lambda name: lockable_parts.PARTS[name].label  # noqa: E731
    return lockable_parts.ordered(
        st.pills(label, lockable_parts.allowed(kind), format_func=show, help=sentence, **options)
    )


def _file() -> None:
    text, name, kind = state.experiment().to_json(), "experiment.json", "application/json"
    sentence = "The experiment as JSON, which python -m lab run can train."
    st.download_button("Save as file", text, name, kind, help=sentence, on_click="ignore", key="save_file")
    sentence = "A JSON file that was saved here. Restarts training."
    file = st.file_uploader("Open a file", type="json", max_upload_size=1, help=sentence, key="open_file")
    if file is None:
        return
    try:
        experiment, notes = read(file.getvalue())
    except ExperimentError as problem:
        st.error(
            "Not opened; nothing has changed:\n\n"
            + "\n".join(f"- {escape_markdown(text)}" for text in problem.sentences)
        )
    else:
        state.load(experiment, notes=notes)
        st.rerun()


def read(data: bytes) -> tuple[Experiment, list[str]]:
    """The content of a file -> the experiment, and what an old file meant differently. Raises ExperimentError."""
    if len(data) > 4 * MAX_TEXT_LENGTH:
        raise ExperimentError([f"This file is too large. Allowed: JSON of at most {MAX_TEXT_LENGTH:,} characters."])
    try:
        return Experiment.with_notes_from_json(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ExperimentError(["This is not text. Allowed: a JSON file that was saved here."]) from None
