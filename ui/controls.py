"""What a person can change, grouped as it stands on the page."""

from __future__ import annotations

from typing import Any

import streamlit as st

from data import DATASETS, FEATURES, OWN
from engine import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, OUTPUTS, SCHEDULES
from engine.backend import Device, available_devices
from engine.losses import valid_outputs
from lab.experiment import MAX_LAYERS, MAX_UNITS
from lab.run import SPEEDS
from ui import state
from ui.widgets import ANEW, bound, check, choose, command, explain, labels, number, of_view, slide

RATES = (0.00001, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
PENALTIES = (0.0, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
BATCHES = (1, 2, 4, 8, 10, 16, 32, 64, 128, 256, 0)
NOISES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9)
DROPOUTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
CLIPS = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0)


# Transport -----------------------------------------------------------------------------------------------------------


@st.fragment
def transport() -> None:
    """Reset, Play or Pause, Step; how fast it goes; and what acts on the running network.

    A fragment: a change here redraws this bar alone, so the live picture does not wait for the rest of the page.
    """
    state.look_again()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="bar"):
        with st.container(horizontal=True, width="content", gap="small", key="transport"):
            _buttons(state.status()["status"])
        with st.container(width=175):
            help = "How much is learnt between two pictures."
            st.selectbox("Speed", list(SPEEDS), format_func=labels(SPEEDS), help=help, **of_view("speed"))
        with st.container(width=230):
            slide("Learning rate", "learning_rate", RATES, "Too small: it crawls; too large: it overshoots.")
        with st.container(width=150):
            slide("Batch size", "batch_size", BATCHES, "Samples that share one step.", _or_all)
        with st.container(width=130):
            slide("L1 rate", "l1", PENALTIES, "Pulls every weight towards zero by the same amount; many end near zero.")
        with st.container(width=130):
            slide(
                "L2 rate", "l2", PENALTIES, "Pulls large weights towards zero more than small ones: smoother answers."
            )
        stop_rules()
    state.write_link()


def _buttons(status: str) -> None:
    command("Reset", "reset", help="Back to the same first weights.")
    if status == "running":
        command("Pause", "pause", type="primary", width=110, help="Space does the same.")
    else:
        ended = status == "diverged"
        command("Play", "play", type="primary", width=110, disabled=ended, help="Space does the same.")
    command("Step", "step", help="Train for exactly one epoch; so does the right arrow key.")


def _or_all(samples: int) -> str:
    return "all" if samples == 0 else str(samples)


def stop_rules() -> None:
    e = state.experiment()
    rules = sum((e.epochs > 0, e.target_accuracy > 0, e.patience > 0))
    with st.popover(f"Stop rules: {rules}" if rules else "Stop rules", help="When training should end by itself."):
        number("After so many epochs (0: never)", "epochs", 0, 1_000_000, "Training stops when so many are done.")
        number("At this test accuracy or R2 (0: never)", "target_accuracy", 0.0, 1.0, "Training stops there.", 0.01)
        sentence = "Early stopping: the best weights are restored."
        number("Without improvement for epochs (0: never)", "patience", 0, 100_000, sentence)


# Data ----------------------------------------------------------------------------------------------------------------


def data_controls() -> None:
    e = state.experiment()
    st.markdown("##### Data", help=f"A change here draws the data again. {ANEW}")
    here = [name for name, source in DATASETS.items() if (name != "drawn" and source.available()) or name == e.dataset]
    here += [name for name in OWN if name == e.dataset]
    show = lambda name: e.source.label if name in OWN else DATASETS[name].label  # noqa: E731
    choose("Data set", "dataset", here, show, _plain(e.source.sentence))
    left, right = st.columns(2)
    with left:
        slide("Noise", "noise", NOISES, "How blurred the data is.", "{:.0%}".format)
        sentence = f"0 takes what the set has, {e.source.samples:,}. Otherwise at least 10."
        number("Samples (0: all)", "samples", 0, 100_000, sentence, 50)
    with right:
        slide("Training share", "train_share", SHARES, "The rest is the test part.", "{:.0%}".format)
        number("Seed", "seed", 0, 999_999, "The same seed gives the same data, weights and batches.")
    if e.source.plane:
        _features()


def _features() -> None:
    options = {**bound("features", list(state.experiment().features)), "on_change": _change_features}
    help = explain("features", "What the network is told of each point.")
    show = labels(FEATURES)
    st.pills("Features", list(FEATURES), selection_mode="multi", wrap=True, format_func=show, help=help, **options)


def _change_features(field: str, widget: str) -> None:
    chosen = [name for name in FEATURES if name in st.session_state[widget]]
    if chosen:  # the last feature stays
        state.change(features=chosen)


def view_controls() -> None:
    """What is painted, not what is learnt."""
    if state.experiment().source.plane:
        with st.container(horizontal=True, gap="small"):
            help = "Paint the points that the network never trains on, too."
            st.checkbox("Test points", help=help, **of_view("show_test"))
            help = "Paint the decision only, not how sure the network is."
            st.checkbox("Discretize", help=help, **of_view("discretize"))


# Network -------------------------------------------------------------------------------------------------------------


def layer_controls() -> None:
    """How many layers, and how many units in each."""
    hidden = state.experiment().hidden
    st.markdown("##### Hidden layers", help=ANEW)
    with st.container(horizontal=True, gap="small", key="units"):
        for layer, units in enumerate(hidden):
            key = f"units_{layer}"
            st.session_state[key] = units
            options = {"key": key, "on_change": _set_units, "args": (layer, key), "width": 105}
            help = f"Units of hidden layer {layer + 1}. {ANEW}"
            st.number_input(f"Units {layer + 1}", 1, MAX_UNITS, help=help, **options)
    with st.container(horizontal=True, gap="small", key="layers"):
        st.button("Remove layer", key="fewer", on_click=_resize, args=(-1,), disabled=not hidden, help=ANEW)
        full = len(hidden) == MAX_LAYERS
        st.button("Add layer", key="more", on_click=_resize, args=(1,), disabled=full, help=ANEW)
    more_settings()


def _resize(by: int) -> None:
    hidden = state.experiment().hidden
    state.change(hidden=hidden[:by] if by < 0 else (*hidden, hidden[-1] if hidden else 8))


def _set_units(layer: int, widget: str) -> None:
    hidden = list(state.experiment().hidden)
    if layer < len(hidden):  # a browser may still report the box of a layer that has just been removed
        hidden[layer] = st.session_state[widget]
        state.change(hidden=hidden)


def more_settings() -> None:
    """What a first visit need not see."""
    with st.popover(
        "More settings", help="Initial weights, dropout, batch normalisation, precision, schedule, clipping."
    ):
        choose("Initial weights", "initializer", INITIALIZERS, labels(INITIALIZERS), "How the first weights are drawn.")
        sentence = "The share of hidden units left out of each step."
        slide("Dropout", "dropout", DROPOUTS, sentence, "{:.0%}".format)
        check("Batch normalisation", "batch_norm", "Keeps the inputs of every hidden unit centred and of one size.")
        sentence = "Bits of every number: 32 are faster, 64 more exact."
        choose("Precision", "dtype", ("float32", "float64"), str, sentence)
        choose("Schedule", "schedule", SCHEDULES, labels(SCHEDULES), "How the learning rate changes over the epochs.")
        slide(
            "Clip gradients", "clip_norm", CLIPS, "Shortens a gradient that is longer than this; 0 leaves it as it is."
        )


def network_controls() -> None:
    """The functions that the network is made of, and where it is computed."""
    e = state.experiment()
    with st.container(key="functions"):
        columns = st.columns(5, gap="small")
    with columns[0]:
        _activation()
    with columns[1]:
        outputs = ("auto", *valid_outputs(e.source.kind, e.source.classes))
        choose("Output", "output", outputs, _resolved(OUTPUTS, e.output_name), "The function of the last layer.")
    with columns[2]:
        sentence = "What training makes small. Only losses that fit the output are listed."
        choose("Loss", "loss", ("auto", *e.losses), _resolved(LOSSES, e.loss_name), sentence)
    with columns[3]:
        choose("Optimizer", "optimizer", OPTIMIZERS, labels(OPTIMIZERS), OPTIMIZERS[e.optimizer].sentence)
    with columns[4]:
        devices = {device.name: device for device in available_devices()}
        reasons = " ".join(f"{d.label}: {d.reason}" for d in devices.values() if d.reason)
        show = lambda name: _device(devices[name])  # noqa: E731
        choose("Device", "device", devices, show, f"Where the network is computed. {reasons}")


def _activation() -> None:
    chosen = state.experiment().activations
    names = list(ACTIVATIONS) if isinstance(chosen, str) else ["mixed", *ACTIVATIONS]
    show = lambda name: "one per layer" if name == "mixed" else ACTIVATIONS[name].label  # noqa: E731
    options = bound("activations", chosen if isinstance(chosen, str) else "mixed")
    help = explain("activations", "The bend in every hidden unit.")
    st.selectbox("Activation", names, format_func=show, help=help, **options)


def _resolved(table: dict[str, Any], name: str) -> Any:
    """How a choice with `auto` is shown: auto says what it stands for."""
    return lambda option: f"Auto: {table[name].label}" if option == "auto" else table[option].label


def _device(device: Device) -> str:
    return device.label if device.usable else f"{device.label}: not available. {device.reason}"


# What went wrong -----------------------------------------------------------------------------------------------------


def refusals() -> None:
    """What was not accepted, one sentence each, as plain text."""
    place = st.container()  # always there: what comes and goes above the live view would mount that anew
    if refused := state.refused():
        place.warning("Not accepted, the rest is as before:\n\n" + "\n".join(f"- {_plain(text)}" for text in refused))


def divergence() -> None:
    """What happened, and a button that mends it."""
    status = state.status()
    with st.container(horizontal=True, vertical_alignment="center", key="diverged"):  # always there, too
        if status["status"] == "diverged":
            rate = state.experiment().learning_rate
            lower = max((r for r in RATES if r <= rate / 10), default=RATES[0])
            st.error(status["notice"])
            label = f"Start again with learning rate {lower:g}"
            st.button(label, key="lower_rate", type="primary", on_click=_start_again, args=(lower,))


def _start_again(rate: float) -> None:
    state.change(learning_rate=rate)
    state.command("reset")
    state.command("play")


def _plain(text: str) -> str:
    """Text from outside, without any meaning to Markdown or HTML."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]()#+-.!|<>~$:&" else c for c in text)
