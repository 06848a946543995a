"""Draw a digit or change a test image: what the visitor's network, or the built-in one, recognizes."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np
import streamlit as st

from lab.protocol.errors import Gone
from lab.protocol.messages import Answer
from lab.queries.gallery import MAX_SHIFT_PIXELS, MAX_THICKENING_PIXELS, MAX_TURN_DEGREES, PAD_SIDE
from ui.images.digit_reader import Reader
from ui.images.image_component import part, sent
from ui.session import state

YOURS, BUILT_IN = "Your network", "The built-in network"
REFRESH_S = 0.4  # between two checks of the built-in network's training
PREPARED = "The drawing is cropped, scaled and centered by mass, like the images that the network was trained on."


@st.cache_resource(show_spinner=False)
def built_in_network() -> Reader:
    """The network that every visitor can use; one per process."""
    return Reader()


def classifies_images() -> bool:
    """Whether the visitor's own experiment classifies images."""
    source = state.experiment().source
    return source.image_shape is not None and source.kind == "classification"


def warm_up() -> None:
    """Train the built-in network, if it is not trained yet, and show the progress. Its container is always there."""
    place = st.container(key="warm_up")
    if not built_in_network().ready:
        with place:
            st.fragment(_progress, run_every=REFRESH_S)()


def _progress() -> None:
    done = built_in_network().advance(state.runs())
    if done >= 1:
        st.rerun()
    label = built_in_network().experiment.source.label
    st.progress(
        done, f"The built-in network is training on {label}, once for all visitors: {done:.0%}. You can already draw."
    )


def network_choice() -> None:
    """A choice of the network that recognizes the drawing and the test image."""
    place = st.container(key="who_reads")  # always there: an element inserted above the pad would remount it
    if classifies_images():
        if not st.session_state.get("reader_chosen"):
            st.session_state["reader"] = YOURS if state.status()["epoch"] or not built_in_network().ready else BUILT_IN
        help = "Your network is the one on the Playground. The built-in one was trained for this page."
        options = {"key": "reader", "on_change": _remember_choice, "required": True}
        place.segmented_control("Recognize with", [YOURS, BUILT_IN], help=help, **options)


def _remember_choice() -> None:
    """Remember that the visitor has chosen a network."""
    st.session_state["reader_chosen"] = True


def _yours() -> bool:
    return classifies_images() and st.session_state.get("reader", BUILT_IN) == YOURS


def _ask(question: str, argument: Any) -> Answer | None:
    """An answer of the chosen network, or None while the built-in one is not ready."""
    if _yours():
        try:
            if question == "drawing":
                return state.ask("drawing", {"ink": argument})
            return state.ask("picture", **argument)
        except Gone:
            st.rerun()
    return getattr(built_in_network(), question)(argument) if built_in_network().ready else None


@st.fragment
def pad() -> None:
    """The drawing pad next to the prediction. Each change of the drawing runs this fragment alone."""
    state.look_again()
    value = sent("pad", "drawing")
    ink = _ink(value)
    answer = None if ink is None else _ask("drawing", ink)
    experiment = state.experiment() if _yours() else built_in_network().experiment
    names = experiment.source.shown_class_names
    header: dict[str, Any] = {"classes": names, "empty": True}
    arrays = {"picture": np.zeros((28, 28), np.uint8), "shares": np.zeros(len(names), np.float32)}
    words = "Draw a digit."
    if ink is not None and answer is None:
        words = "The built-in network is still training; it recognizes your drawing in a moment."
    elif answer is not None:
        header, arrays = answer
        words = "Too little is drawn to recognize a digit."
    header = {"names": header["classes"], "empty": header["empty"], "words": words, "number": _number(value)}
    part("pad", "pad", header, arrays, on_drawing_change=lambda: None)
    st.caption(f"{PREPARED} {_whose()}")


def _whose() -> str:
    if not _yours():
        e = built_in_network().experiment
        return f"The built-in network was trained on {(e.samples or e.source.samples):,} images of {e.source.label}."
    epoch = state.status()["epoch"]
    return "Your network is untrained: press Play." if not epoch else "Recognized by your network in its current state."


def _number(value: Any) -> int:
    number = value.get("number") if isinstance(value, dict) else 0
    return number if type(number) is int and 0 <= number < 2**31 else 0


def _ink(value: Any) -> np.ndarray | None:
    """The image that the pad has sent, (PAD_SIDE, PAD_SIDE) uint8; None for an empty pad and for invalid values."""
    text = value.get("ink") if isinstance(value, dict) else None
    if not isinstance(text, str) or len(text) != -(-(PAD_SIDE * PAD_SIDE) // 3) * 4:
        return None
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return np.frombuffer(raw, np.uint8).reshape(PAD_SIDE, PAD_SIDE) if len(raw) == PAD_SIDE * PAD_SIDE else None


@st.fragment
def test_image() -> None:
    """Choose a test image, shift, rotate and thicken it, and see the prediction; works without a mouse."""
    state.look_again()
    first = _ask("picture", {"row": 0})
    if first is None:
        st.caption("The built-in network is still training.")
        return
    last = first[0]["test"] - 1
    st.session_state["picture_row"] = min(st.session_state.get("picture_row", 0), last)
    reach = min(MAX_SHIFT_PIXELS, first[1]["raw"].shape[1] // 4)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        help = f"Number of the image in the test data, from 0 to {last:,}."
        row = st.number_input("Test image", 0, last, key="picture_row", help=help, width=150)
        right = st.slider("Shift right", -reach, reach, 0, key="picture_right", help="Pixels.", width=230)
        down = st.slider("Shift down", -reach, reach, 0, key="picture_down", help="Pixels.", width=230)
        help = "Degrees, clockwise."
        turn = st.slider("Rotate", -MAX_TURN_DEGREES, MAX_TURN_DEGREES, 0, 5, key="picture_turn", help=help, width=230)
        help = "Pixels added around each stroke; negative values remove pixels."
        most = MAX_THICKENING_PIXELS
        thicken = st.slider("Thicken", -most, most, 0, key="picture_thicken", help=help, width=230)
    answer = _ask("picture", {"row": row, "right": right, "down": down, "turn": turn, "thicken": thicken})
    if answer is not None:
        header, arrays = answer
        part("readings", "readings", {**header, "names": header["classes"]}, arrays)
        st.caption("Shift the image: after a few pixels it is misclassified, unless it is centered first.")
