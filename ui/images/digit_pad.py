"""Draw a digit, or change a test picture: what a network reads in it, and in which of two networks to look."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np
import streamlit as st

from lab.protocol.errors import Gone
from lab.protocol.messages import Answer
from lab.queries.gallery import FARTHEST, MOST_SPREAD, MOST_TURN, PAD
from ui.images.digit_reader import Reader
from ui.images.image_component import part, sent
from ui.session import state

YOURS, SMALL = "Your network", "The small network"
CHECK_AGAIN = 0.4  # seconds between two looks at the small network's training
PREPARED = "The drawing is cropped, scaled and centred by mass, as the pictures were that the network has learnt from."


@st.cache_resource(show_spinner=False)
def small_network() -> Reader:
    """One for all visitors of this process."""
    return Reader()


def reads_pictures() -> bool:
    """Whether the visitor's own experiment is about classes of pictures."""
    source = state.experiment().source
    return source.image_shape is not None and source.kind == "classification"


def warm_up() -> None:
    """Train the small network if nobody has yet, a look at a time; its place is always there."""
    place = st.container(key="warm_up")
    if not small_network().ready:
        with place:
            st.fragment(_progress, run_every=CHECK_AGAIN)()


def _progress() -> None:
    done = small_network().advance(state.runs())
    if done >= 1:
        st.rerun()
    label = small_network().experiment.source.label
    st.progress(done, f"The small network is learning {label} once for everybody: {done:.0%}. You can draw meanwhile.")


def who_reads() -> None:
    """Which of the two networks reads what is drawn and changed below."""
    place = st.container(key="who_reads")  # always there: what comes and goes above the pad would mount that anew
    if reads_pictures():
        if not st.session_state.get("reader_chosen"):
            st.session_state["reader"] = YOURS if state.status()["epoch"] or not small_network().ready else SMALL
        help = "Your network is that of the playground; the small one was trained for this page."
        options = {"key": "reader", "on_change": _chosen, "required": True}
        place.segmented_control("Who reads", [YOURS, SMALL], help=help, **options)


def _chosen() -> None:
    """From now on it is the visitor who says who reads."""
    st.session_state["reader_chosen"] = True


def _yours() -> bool:
    return reads_pictures() and st.session_state.get("reader", SMALL) == YOURS


def _ask(question: str, argument: Any) -> Answer | None:
    """An answer of the chosen network, or None while the small one is not ready."""
    if _yours():
        try:
            if question == "drawing":
                return state.ask("drawing", {"ink": argument})
            return state.ask("picture", **argument)
        except Gone:
            st.rerun()
    return getattr(small_network(), question)(argument) if small_network().ready else None


@st.fragment
def pad() -> None:
    """The drawing pad with the prediction beside it. Each picture of the drawing runs this small part alone."""
    state.look_again()
    value = sent("pad", "drawing")
    ink = _ink(value)
    answer = None if ink is None else _ask("drawing", ink)
    names = state.experiment().source.class_names if _yours() else small_network().experiment.source.class_names
    header: dict[str, Any] = {"classes": names, "empty": True}
    arrays = {"picture": np.zeros((28, 28), np.uint8), "shares": np.zeros(len(names), np.float32)}
    words = "The pad is empty: nothing to read."
    if ink is not None and answer is None:
        words = "The small network is still learning; it reads your drawing in a moment."
    elif answer is not None:
        header, arrays = answer
        words = "There is too little ink to read."
    header = {"names": header["classes"], "empty": header["empty"], "words": words, "number": _number(value)}
    part("pad", "pad", header, arrays, on_drawing_change=lambda: None)
    st.caption(f"{PREPARED} {_whose()}")


def _whose() -> str:
    if not _yours():
        e = small_network().experiment
        return f"The small network has learnt from {(e.samples or e.source.samples):,} pictures of {e.source.label}."
    epoch = state.status()["epoch"]
    return "Your network has learnt nothing yet: press Play." if not epoch else "Read by your network as it is now."


def _number(value: Any) -> int:
    number = value.get("number") if isinstance(value, dict) else 0
    return number if type(number) is int and 0 <= number < 2**31 else 0


def _ink(value: Any) -> np.ndarray | None:
    """What the pad has sent as a picture (PAD, PAD) uint8; None for an empty pad and for anything it never sends."""
    text = value.get("ink") if isinstance(value, dict) else None
    if not isinstance(text, str) or len(text) != -(-(PAD * PAD) // 3) * 4:
        return None
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return np.frombuffer(raw, np.uint8).reshape(PAD, PAD) if len(raw) == PAD * PAD else None


@st.fragment
def test_picture() -> None:
    """The way without a mouse: pick a test picture, shift, turn and thicken it, and see what is read in it."""
    state.look_again()
    first = _ask("picture", {"row": 0})
    if first is None:
        st.caption("The small network is still learning.")
        return
    most = first[0]["test"] - 1
    st.session_state["picture_row"] = min(st.session_state.get("picture_row", 0), most)
    wide = min(FARTHEST, first[1]["raw"].shape[1] // 4)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        help = f"Its number in the test part, from 0 to {most:,}."
        row = st.number_input("Test picture", 0, most, key="picture_row", help=help, width=150)
        right = st.slider("Shift right", -wide, wide, 0, key="picture_right", help="Pixels.", width=230)
        down = st.slider("Shift down", -wide, wide, 0, key="picture_down", help="Pixels.", width=230)
        help = "Degrees, clockwise."
        turn = st.slider("Turn", -MOST_TURN, MOST_TURN, 0, 5, key="picture_turn", help=help, width=230)
        help = "Pixels added around every stroke; below 0 they are taken away."
        thicken = st.slider("Thicken", -MOST_SPREAD, MOST_SPREAD, 0, key="picture_thicken", help=help, width=230)
    answer = _ask("picture", {"row": row, "right": right, "down": down, "turn": turn, "thicken": thicken})
    if answer is not None:
        header, arrays = answer
        part("readings", "readings", {**header, "names": header["classes"]}, arrays)
        st.caption("Shift it: seen as it is, it is lost after a few pixels; prepared, it stays itself.")
