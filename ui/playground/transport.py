"""The buttons that train the network, and its speed: the same on every page that shows it learning."""

from __future__ import annotations

import streamlit as st

from data.counted import counted
from lab.experiment.group import epochs_to_finish
from lab.protocol.speed import SPEEDS
from ui.kit.widgets import command, of_view
from ui.session import state

RESET = "Restart from the same initial weights."
PLAY, PAUSE = "Start or continue training.", "Pause training; nothing is lost."
STEP = "Train for one epoch."


def buttons(*, reset: str = RESET, play: str = PLAY, pause: str = PAUSE, step: str = STEP) -> None:
    """Play or Pause, Step, and Reset, with their help; without help for Reset there is no Reset."""
    status = state.status()["status"]
    if status == "running":
        command("Pause", "pause", type="primary", width=110, help=pause)
    else:
        command("Play", "play", type="primary", width=110, help=play)
    command("Step", "step", help=step)
    if reset:
        command("Reset", "reset", help=reset)


def speed(sentence: str | None, width: int = 190) -> None:
    """How much training happens between two frames. sentence: its help, if it needs one."""
    with st.container(width=width):
        st.selectbox("Speed", list(SPEEDS), format_func=_label, help=sentence, **of_view("speed", SPEEDS))


def _label(name: str) -> str:
    """The label of a speed; one that finishes runs says after how many epochs."""
    speed = SPEEDS[name]
    if not speed.finishes:
        return speed.label
    return f"{speed.label}: {counted(epochs_to_finish(state.experiment()), 'epoch')}"


def bar(pace: str, *, pinned: bool = False, **sentences: str) -> None:
    """Buttons and speed in a row. pace: the help of the speed on this page; sentences: see `buttons`.

    pinned: on a phone the buttons stay at the top of the screen (page.css).
    """
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="bar"):
        with st.container(horizontal=True, width="content", gap="small", key="transport" if pinned else "buttons"):
            buttons(**sentences)
        speed(pace)
