"""The share dialog: a link, embed code and a file; and what students may see and change."""

from __future__ import annotations

import html
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import segno
import streamlit as st
from streamlit.components.v2 import component

from lab.experiment.experiment import MAX_TEXT_LENGTH, Experiment, ExperimentError
from lab.experiment.link import shortened
from ui.components import script, styles
from ui.header import link_address
from ui.kit.escape import escape_markdown
from ui.kit.widgets import locked, shown
from ui.session import lockable_parts, state
from ui.session.view import MAX_CHARACTERS, one_line

FRAME = '<iframe src="{}" title="Backprop Playground" width="100%" height="900" style="border: 0"></iframe>'
TOO_LONG = "A link cannot hold this many drawn points. Save the experiment as a file, which holds them all."
HINTS = {"hide": ("Hide from students", "Not shown."), "lock": ("Lock for students", "Shown, but cannot be changed.")}
MAX_QR_CHARACTERS = 600  # of a link; the squares of a longer one are too small for a camera
QR_PIXELS = 7  # width of a square


def button() -> None:
    sentence = (
        "A link to this experiment, embed code for your own page, or a file; and what students may see and change."
    )
    if shown("share") and st.button("Share", key="share", help=sentence, disabled=locked("share")):
        _dialog()


@st.dialog("Share", width="medium")
def _dialog() -> None:
    contents()


def contents() -> None:
    """What the dialog shows."""
    above = st.container()  # filled last: the link holds what is chosen below it
    view = _choose_task() | {kind: _choose_parts(kind) for kind in lockable_parts.LISTS}
    with above:
        if state.experiment().fits_link:
            _link(state.link(view))
        else:
            st.info(TOO_LONG)
    _file()


def _link(query: dict[str, str]) -> None:
    page, query = _choose_address(), shortened(query)
    link = f"{page}?{urlencode(query)}" if query else page
    embedded = f"{page}?{urlencode({**query, 'embed': 'true'})}"
    st.markdown(
        "**Link.** Anyone who opens it gets the same experiment, and identical results after the same number of epochs."
    )
    st.code(link, language=None, wrap_lines=True)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _copy_button(state.runs().live)(key="copy_link", data=link)
        st.link_button("Open the link", link, help="In a new tab, as students see it; this page does not change.")
        with st.popover("QR code", help="A picture of the link, for the cameras of phones and tablets."):
            _qr(link)
    st.markdown("**Embed code** for your own web page, without header and menus.")
    st.code(FRAME.format(html.escape(embedded)), language=None, wrap_lines=True)


def _choose_address() -> str:
    """The address of the page; where only this computer can open it, one of those that others can."""
    page = state.address()
    host = urlsplit(page).hostname or ""
    if not link_address.is_loopback(host):
        return page
    offered = link_address.others(page, st.get_option("server.address") or "")
    if not offered:
        st.warning(
            f"Only this computer can open {escape_markdown(host)}. For others, connect it to a network and start the "
            "server without a loopback address."
        )
        return page
    help = "Others can open an address of this computer in their network, unless a firewall prevents it."
    show = lambda address: urlsplit(address).netloc  # noqa: E731
    chosen = st.radio(
        "Address in the link", [*offered, page], format_func=show, horizontal=True, key="share_address", help=help
    )
    if chosen == page:
        st.warning(f"Only this computer can open {escape_markdown(host)}.")
    return chosen


def _qr(link: str) -> None:
    if len(link) > MAX_QR_CHARACTERS:
        st.caption("This link is too long for a QR code.")
        return
    picture = segno.make_qr(link, error="l").png_data_uri(scale=QR_PIXELS)
    st.image(picture, alt="QR code of the link")


@lru_cache(maxsize=2)
def _copy_button(served: bool) -> Any:
    css, js = styles("page/copy_button.css"), script("page/copy_button.js", served)
    return component("copy_link", html='<div class="copy"></div>', css=css, js=js, isolate_styles=False)


# For students --------------------------------------------------------------------------------------------------------


def _choose_task() -> dict[str, str]:
    help = "Shown to students at the top of every page."
    title, task = (state.view()[name] for name in ("title", "task"))
    title = st.text_input("Title", title, MAX_CHARACTERS["title"], key="share_title", help=help)
    task = st.text_area("Task", task, max_chars=MAX_CHARACTERS["task"], key="share_task", help=help)
    return {"title": one_line(title or ""), "task": one_line(task or "")}


def _choose_parts(kind: str) -> tuple[str, ...]:
    label, sentence = HINTS[kind]
    key = f"share_{kind}"
    st.session_state.setdefault(key, list(state.view()[kind]))
    pick = lambda names: st.session_state.update({key: list(names)})  # noqa: E731

    def lock_all_but() -> None:
        pick(lockable_parts.all_but(st.session_state.lock_except))
        st.session_state.lock_except = None

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.markdown(f"**{label}**", help=sentence, width="stretch")
        if kind == "lock":
            parts = [name for name in lockable_parts.LOCKABLE if name not in lockable_parts.USUALLY_FREE]
            st.selectbox(  # not a menu: its upper part may lie above the window
                "Lock everything except",
                parts,
                index=None,
                placeholder="Lock everything except",
                format_func=_name,
                key="lock_except",
                on_change=lock_all_but,
                label_visibility="collapsed",
                width=230,
            )
        everything = lockable_parts.all_but() if kind == "lock" else lockable_parts.allowed(kind)
        st.button("All", key=f"{key}_all", on_click=pick, args=(everything,), help=f"{label}: all.")
        st.button("None", key=f"{key}_none", on_click=pick, args=((),), help=f"{label}: none.")
    options: dict[str, Any] = {"selection_mode": "multi", "key": key, "wrap": True, "label_visibility": "collapsed"}
    return lockable_parts.ordered(st.pills(label, lockable_parts.allowed(kind), format_func=_name, **options))


def _name(part: str) -> str:
    return lockable_parts.PARTS[part].label


# Files ---------------------------------------------------------------------------------------------------------------


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
        if reason := state.lock_reason(**dict(experiment)):
            st.error(f"Not opened; nothing has changed. {reason}")
            return
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
