"""Widgets drawn from the experiment, writing back a changed one.

Every widget takes its value from the experiment before it is drawn, so a link, a preset or another widget moves it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import streamlit as st

from data import DATASETS, FEATURES
from engine import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, OUTPUTS, SCHEDULES
from engine.backend import available_devices
from engine.losses import valid_outputs
from lab.experiment import MAX_LAYERS, MAX_UNITS
from lab.run import SPEEDS
from ui import state

RATES = (0.00001, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
PENALTIES = (0.0, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
BATCHES = (1, 2, 4, 8, 10, 16, 32, 64, 128, 256, 0)
LIVE = "Acts on the running network at once; nothing is reset."
ANEW = "Starts again with new weights."


# Kinds of widgets ----------------------------------------------------------------------------------------------------------


def _key(field: str, value: Any) -> dict[str, Any]:
    """The widget's key, its value taken from the experiment, and the way back."""
    key = f"field_{field}"
    st.session_state[key] = value
    return {"key": key, "on_change": state.change_from, "args": (field, key)}


def choose(label: str, field: str, options: Iterable[str], show: Callable[[str], str], help: str) -> None:
    st.selectbox(label, list(options), format_func=show, help=help, **_key(field, getattr(state.experiment(), field)))


def slide(label: str, field: str, options: Sequence[float], help: str, show: Callable[[Any], str] = "{:g}".format) -> None:
    """A slider over a few good values; a value that came by link joins them."""
    value = getattr(state.experiment(), field)
    steps = options if value in options else sorted({*options, value})
    st.select_slider(label, steps, format_func=show, help=help, **_key(field, value))


def number(label: str, field: str, low: float, high: float, help: str, step: float = 1) -> None:
    st.number_input(label, low, high, step=step, help=help, **_key(field, getattr(state.experiment(), field)))


def _from_table(table: dict[str, Any]) -> Callable[[str], str]:
    return lambda name: table[name].label


# Transport -----------------------------------------------------------------------------------------------------------------


def transport() -> None:
    """Reset, Play or Pause, Step; how fast it goes; and what acts on the running network."""
    status = state.status()["status"]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="bar"):
        with st.container(horizontal=True, width="content", gap="small", key="transport"):
            _button("Reset", "reset", help="Back to the same first weights.")
            if status == "running":
                _button("Pause", "pause", type="primary", width=110, help="Space does the same.")
            else:
                _button("Play", "play", type="primary", width=110, disabled=status == "diverged", help="Space does the same.")
            _button("Step", "step", help="Train for exactly one epoch; so does the right arrow key.")
        with st.container(width=175):
            st.session_state["view_speed"] = state.view()["speed"]
            st.selectbox("Speed", list(SPEEDS), format_func=_from_table(SPEEDS), key="view_speed", on_change=state.change_view,
                         args=("speed", "view_speed"), help="How much is learnt between two pictures.")  # fmt: skip
        with st.container(width=230):
            slide("Learning rate", "learning_rate", RATES, f"How large each step is. Too small: it crawls; too large: it overshoots. {LIVE}")
        with st.container(width=150):
            slide("Batch size", "batch_size", BATCHES, f"Samples that share one step. {LIVE}", lambda n: "all" if n == 0 else f"{n:g}")
        with st.container(width=130):
            slide("L1 rate", "l1", PENALTIES, f"Pulls every weight towards zero by the same amount, so many end near zero. {LIVE}")
        with st.container(width=130):
            slide("L2 rate", "l2", PENALTIES, f"Pulls large weights towards zero more than small ones: smoother answers. {LIVE}")
        stop_rules()


def _button(label: str, verb: str, **options: Any) -> None:
    st.button(label, key=verb, on_click=state.command, args=(verb,), **options)


def stop_rules() -> None:
    e = state.experiment()
    rules = sum((e.epochs > 0, e.target_accuracy > 0, e.patience > 0))
    with st.popover(f"Stop rules: {rules}" if rules else "Stop rules", help="When training should end by itself."):
        number("After so many epochs (0: never)", "epochs", 0, 1_000_000, f"Training stops when this many epochs are done. {LIVE}")
        number("At this test accuracy or R2 (0: never)", "target_accuracy", 0.0, 1.0, f"Training stops when the test part reaches it. {LIVE}", 0.01)
        number("Without improvement for epochs (0: never)", "patience", 0, 100_000, f"Early stopping: the best weights are restored. {LIVE}")


# Data and network ----------------------------------------------------------------------------------------------------------


def data_controls() -> None:
    e = state.experiment()
    st.markdown("##### Data", help=f"A change here draws the data again. {ANEW}")
    choose("Data set", "dataset", [n for n, s in DATASETS.items() if s.available() or n == e.dataset], _from_table(DATASETS), e.source.sentence + " " + ANEW)
    left, right = st.columns(2)
    with left:
        slide("Noise", "noise", (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5), f"How blurred the data is. {ANEW}", "{:.0%}".format)
        number("Samples (0: all)", "samples", 0, 100_000, f"0 takes what the set has, {e.source.samples:,}. Otherwise at least 10. {ANEW}", 50)
    with right:
        slide("Training share", "train_share", (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9), f"The rest is the test part, never trained on. {ANEW}", "{:.0%}".format)
        number("Seed", "seed", 0, 999_999, f"The same seed gives the same data, weights and batches. {ANEW}")
    if e.source.plane:
        st.pills("Features", list(FEATURES), selection_mode="multi", wrap=True, format_func=_from_table(FEATURES), help=f"What the network is told of each point. {ANEW}",
                 **_key("features", list(e.features)) | {"on_change": _change_features})  # fmt: skip


def view_controls() -> None:
    """What is painted, not what is learnt."""
    if state.experiment().source.plane:
        with st.container(horizontal=True, gap="small"):
            for label, field, help in (
                ("Test points", "show_test", "Paint the points that the network never trains on, too."),
                ("Discretize", "discretize", "Paint the decision only, not how sure the network is."),
            ):
                key = f"view_{field}"
                st.session_state[key] = state.view()[field]
                st.checkbox(label, key=key, on_change=state.change_view, args=(field, key), help=help)


def _change_features(field: str, widget: str) -> None:
    chosen = [name for name in FEATURES if name in st.session_state[widget]]
    if chosen:  # the last feature stays
        state.change(features=chosen)


def layer_controls() -> None:
    """How many layers, and how many units in each."""
    e = state.experiment()
    st.markdown("##### Hidden layers", help=ANEW)
    with st.container(horizontal=True, gap="small", key="units"):
        for layer, units in enumerate(e.hidden):
            key = f"units_{layer}"
            st.session_state[key] = units
            st.number_input(f"Units {layer + 1}", 1, MAX_UNITS, key=key, on_change=_set_units, args=(layer, key), width=105,
                            help=f"Units of hidden layer {layer + 1}. {ANEW}")  # fmt: skip
    with st.container(horizontal=True, gap="small", key="layers"):
        st.button("Remove layer", key="fewer", on_click=_resize, args=(-1,), disabled=not e.hidden, help=ANEW)
        st.button("Add layer", key="more", on_click=_resize, args=(1,), disabled=len(e.hidden) == MAX_LAYERS, help=ANEW)
    more_settings()


def more_settings() -> None:
    """What a first visit need not see."""
    with st.popover("More settings", help="Initial weights, dropout, batch normalisation, precision, schedule, clipping."):
        choose("Initial weights", "initializer", INITIALIZERS, _from_table(INITIALIZERS), f"How the first weights are drawn. {ANEW}")
        slide("Dropout", "dropout", (0.0, 0.1, 0.2, 0.3, 0.4, 0.5), f"The share of hidden units left out of each step. {ANEW}", "{:.0%}".format)
        st.checkbox("Batch normalisation", help=f"Keeps the inputs of every hidden unit centred and of one size. {ANEW}",
                    **_key("batch_norm", state.experiment().batch_norm))  # fmt: skip
        choose("Precision", "dtype", ("float32", "float64"), str, f"Bits of every number: 32 are faster, 64 more exact. {ANEW}")
        choose("Schedule", "schedule", SCHEDULES, _from_table(SCHEDULES), f"How the learning rate changes over the epochs. {LIVE}")
        slide("Clip gradients", "clip_norm", (0.0, 0.1, 0.3, 1.0, 3.0, 10.0), f"Shortens a gradient that is longer than this; 0 leaves it as it is. {LIVE}")


def network_controls() -> None:
    """The functions that the network is made of, and where it is computed."""
    e = state.experiment()
    with st.container(key="functions"):
        columns = st.columns(5, gap="small")
    with columns[0]:
        uniform = isinstance(e.activations, str)
        names = list(ACTIVATIONS) if uniform else ["mixed", *ACTIVATIONS]
        st.selectbox("Activation", names, format_func=lambda n: "one per layer" if n == "mixed" else ACTIVATIONS[n].label,
                     help=f"The bend in every hidden unit. {ANEW}", **_key("activations", e.activations if uniform else "mixed"))  # fmt: skip
    with columns[1]:
        choose("Output", "output", ("auto", *valid_outputs(e.source.kind, e.source.classes)),
               lambda n: _automatic(n, OUTPUTS, e.output_name), f"The function of the last layer. {ANEW}")  # fmt: skip
    with columns[2]:
        choose("Loss", "loss", ("auto", *e.losses), lambda n: _automatic(n, LOSSES, e.loss_name),
               f"What training makes small. Only losses that fit the output are listed. {ANEW}")  # fmt: skip
    with columns[3]:
        choose("Optimizer", "optimizer", OPTIMIZERS, _from_table(OPTIMIZERS), f"{OPTIMIZERS[e.optimizer].sentence} {ANEW}")
    with columns[4]:
        devices = {device.name: device for device in available_devices()}
        choose("Device", "device", devices, lambda n: devices[n].label if devices[n].usable else f"{devices[n].label}: not available. {devices[n].reason}",
               " ".join(["Where the network is computed.", *(f"{d.label}: {d.reason}" for d in devices.values() if d.reason), ANEW]))  # fmt: skip


def _automatic(name: str, table: dict[str, Any], resolved: str) -> str:
    return f"Auto: {table[resolved].label}" if name == "auto" else table[name].label


def _resize(by: int) -> None:
    hidden = state.experiment().hidden
    state.change(hidden=hidden[:by] if by < 0 else (*hidden, hidden[-1] if hidden else 8))


def _set_units(layer: int, widget: str) -> None:
    hidden = list(state.experiment().hidden)
    hidden[layer] = st.session_state[widget]
    state.change(hidden=hidden)


# What went wrong -----------------------------------------------------------------------------------------------------------


def refusals() -> None:
    """What was not accepted, one sentence each, as plain text."""
    if state.refused():
        st.warning("Not accepted, the rest is as before:\n\n" + "\n".join(f"- {_plain(sentence)}" for sentence in state.refused()))


def divergence() -> None:
    """What happened, and a button that mends it."""
    status = state.status()
    if status["status"] == "diverged":
        rate = state.experiment().learning_rate
        lower = max((r for r in RATES if r <= rate / 10), default=RATES[0])
        with st.container(horizontal=True, vertical_alignment="center", key="diverged"):
            st.error(status["notice"])
            st.button(f"Start again with learning rate {lower:g}", key="lower_rate", type="primary", on_click=_start_again, args=(lower,))


def _start_again(rate: float) -> None:
    state.change(learning_rate=rate)
    state.command("reset")
    state.command("play")


def _plain(text: str) -> str:
    """Text from outside, without any meaning to Markdown or HTML."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]()#+-.!|<>~$:&" else c for c in text)
