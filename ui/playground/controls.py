"""What a person can change, grouped as it stands on the page."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from engine import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, OUTPUTS, SCHEDULES
from engine.backend import Device
from engine.formulas.losses import valid_outputs
from lab.devices.search import devices as found
from lab.experiment.experiment import MAX_LAYERS, MAX_UNITS
from ui.kit.escape import plain
from ui.kit.widgets import (
    ANEW,
    bound,
    button,
    check,
    choose,
    command,
    explain,
    holding,
    labels,
    locked,
    number,
    of_view,
    shown,
    slide,
)
from ui.playground.transport import buttons, speed
from ui.session import state

RATES = (0.00001, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
PENALTIES = (0.0, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
BATCHES = (1, 2, 4, 8, 10, 16, 32, 64, 128, 256, 0)
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
            _buttons()
        help = "Other first weights for the same network and data; Reset comes back to them from now on. Key: N."
        button("New weights", "new_weights", _new_weights, help)
        speed("How much is learnt between two pictures.", width=160)
        with st.container(width=170):
            slide("Learning rate", "learning_rate", RATES, "Too small: it crawls; too large: it overshoots.")
        with st.container(width=120):
            slide("Batch size", "batch_size", BATCHES, "Samples that share one step.", _or_all)
        with st.container(width=105):
            slide("L1 rate", "l1", PENALTIES, "Pulls every weight towards zero by the same amount; many end near zero.")
        with st.container(width=105):
            slide(
                "L2 rate", "l2", PENALTIES, "Pulls large weights towards zero more than small ones: smoother answers."
            )
        stop_rules()
    state.write_link()


def _buttons() -> None:
    buttons(
        reset="Back to the same first weights. Key: R.",
        play="Space does the same.",
        pause="Space does the same.",
        step="Train for exactly one epoch; so does the right arrow key.",
    )
    command("Batch", "step_batch", help="Train for exactly one batch, one step of the optimizer; so does B.")


def _new_weights() -> None:
    e = state.experiment()
    state.change(weight_seed=(e.weight_seed or e.seed) % 999_999 + 1)


def _or_all(samples: int) -> str:
    return "all" if samples == 0 else str(samples)


def stop_rules() -> None:
    e = state.experiment()
    rules = sum((e.epochs > 0, e.target_accuracy > 0, e.patience > 0))
    label = f"Stop rules: {rules}" if rules else "Stop rules"
    with st.popover(label, help="When training should end by itself.", key="stop_rules"):
        number("After so many epochs (0: never)", "epochs", 0, 1_000_000, "Training stops when so many are done.")
        number("At this test accuracy or R2 (0: never)", "target_accuracy", 0.0, 1.0, "Training stops there.", 0.01)
        sentence = "Early stopping: the best weights are restored."
        number("Without improvement for epochs (0: never)", "patience", 0, 100_000, sentence)


# View ----------------------------------------------------------------------------------------------------------------


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
    """How many layers, and how many units in each: out of the way where the diagram shows them, too."""
    folded = state.experiment().source.plane
    if shown("hidden") and not folded:
        st.markdown("##### Hidden layers", help=ANEW)
        _layers()
    with st.container(horizontal=True, gap="small", key="settings"):
        if shown("hidden") and folded:
            with st.popover("Layer sizes", help="Type how many units each layer has, up to 1024."):
                _layers()
        more_settings()


def _layers() -> None:
    hidden, fixed = state.experiment().hidden, locked("hidden")
    with st.container(horizontal=True, gap="small", key="units"):
        for layer, units in enumerate(hidden):
            options = {**holding(f"units_{layer}", units, partial(_set_units, layer)), "width": 105, "disabled": fixed}
            help = f"Units of hidden layer {layer + 1}. {ANEW}"
            st.number_input(f"Units {layer + 1}", 1, MAX_UNITS, help=help, **options)
    with st.container(horizontal=True, gap="small", key="layers"):
        st.button("Remove layer", key="fewer", on_click=_resize, args=(-1,), disabled=fixed or not hidden, help=ANEW)
        full = fixed or len(hidden) == MAX_LAYERS
        st.button("Add layer", key="more", on_click=_resize, args=(1,), disabled=full, help=ANEW)


def _resize(by: int) -> None:
    hidden = state.experiment().hidden
    state.change(hidden=hidden[:by] if by < 0 else (*hidden, hidden[-1] if hidden else 8))


def _set_units(layer: int, units: int) -> None:
    hidden = list(state.experiment().hidden)
    if layer < len(hidden):  # a browser may still report the box of a layer that has just been removed
        hidden[layer] = units
        state.change(hidden=hidden)


def more_settings() -> None:
    """What a first visit need not see."""
    with st.popover(
        "More settings",
        help="Initial weights, dropout, batch normalisation, precision, schedule, clipping.",
        key="more_settings",
    ):
        choose("Initial weights", "initializer", INITIALIZERS, labels(INITIALIZERS), "How the first weights are drawn.")
        sentence = "The share of hidden units left out of each step."
        slide("Dropout", "dropout", DROPOUTS, sentence, "{:.0%}".format)
        check("Batch normalisation", "batch_norm", "Keeps the inputs of every hidden unit centred and of one size.")
        sentence = "Every hidden layer with as many units as inputs adds its inputs to its outputs."
        check("Skip connections", "residual", sentence)
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
        devices = {device.name: device for device in found()}
        reasons = " ".join(f"{d.label}: {d.reason} {d.fix}" for d in devices.values() if d.reason)
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
        place.warning("Not accepted, the rest is as before:\n\n" + "\n".join(f"- {plain(text)}" for text in refused))


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
