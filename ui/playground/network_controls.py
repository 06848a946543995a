"""The controls of the network: its layers, its functions and its device."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine import ACTIVATIONS
from engine.backend import Device
from lab.devices.search import devices
from lab.experiment.fields import NETWORK, TRAINING
from lab.experiment.layer_rules import MAX_LAYERS, MAX_UNITS
from ui.kit.widgets import (
    LOCKED,
    RESTARTS,
    bound,
    explain,
    folded,
    group,
    is_simple,
    keyed,
    locked,
    offered,
    shown,
)
from ui.playground.response_curves import control, place_curve
from ui.session import state

MIXED = "mixed"  # each layer has an activation of its own
COLUMN_LENGTH = 6  # controls in a column of a popover
WIDTHS = {"activations": 120, "output": 140, "loss": 280, "optimizer": 120, "device": 130}  # of the select boxes


def function_controls() -> None:
    """A row: the functions of the network, and its device."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", width="content", key="functions"):
        for field in ("activations", *group(NETWORK, advanced=False), "device"):
            if offered(field):
                with st.container(width=WIDTHS.get(field, 140)):
                    PAGE_CONTROLS.get(field, partial(control, field))()


def _activation() -> None:
    chosen = state.experiment().activations
    value = chosen if isinstance(chosen, str) else MIXED
    names = list(ACTIVATIONS) if value != MIXED else [MIXED, *ACTIVATIONS]
    show = lambda name: "one per layer" if name == MIXED else ACTIVATIONS[name].label  # noqa: E731
    help = explain("activations")
    st.selectbox("Activation", names, format_func=show, help=help, **bound("activations", value, values=names))
    place_curve("activations")


def _device() -> None:
    found = {device.name: device for device in devices()}
    help = explain("device", " ".join(f"{d.label}: {d.reason} {d.fix}" for d in found.values() if d.reason))
    value = state.experiment().device
    show = lambda name: _state_of(found[name])  # noqa: E731
    st.selectbox("Device", list(found), format_func=show, help=help, **bound("device", value, values=found))


def _state_of(device: Device) -> str:
    return device.label if device.usable else f"{device.label}: not available. {device.reason}"


PAGE_CONTROLS = {"activations": _activation, "device": _device}


# Layers --------------------------------------------------------------------------------------------------------------


def layer_controls() -> None:
    """How many layers, and how many neurons in each: in a popover where the diagram has buttons for them."""
    folded_away = state.experiment().source.plane
    if shown("hidden") and not folded_away:
        st.markdown("##### Hidden layers", anchors=False)
        _layers()
    with st.container(horizontal=True, gap="small", key="settings"):
        if shown("hidden") and folded_away and not is_simple():
            with st.popover("Layer sizes", help=f"Type how many neurons each layer has, up to {MAX_UNITS}."):
                _layers()
        _more_settings()


def _layers() -> None:
    hidden, fixed = state.experiment().hidden, locked("hidden")
    with st.container(horizontal=True, gap="small", key="units"):
        for layer, units in enumerate(hidden):
            options = keyed(f"units_{layer}", units, partial(_set_units, layer))
            help = LOCKED if fixed else f"Neurons of hidden layer {layer + 1}. {RESTARTS}"
            st.number_input(f"Neurons {layer + 1}", 1, MAX_UNITS, help=help, width=105, disabled=fixed, **options)
    with st.container(horizontal=True, gap="small", key="layers"):
        options = {"on_click": _resize, "help": LOCKED if fixed else RESTARTS}
        st.button("Remove layer", key="fewer", args=(-1,), disabled=fixed or not hidden, **options)
        st.button("Add layer", key="more", args=(1,), disabled=fixed or len(hidden) == MAX_LAYERS, **options)
    place_curve("hidden")


def _resize(by: int) -> None:
    hidden = state.experiment().hidden
    state.change(hidden=hidden[:by] if by < 0 else (*hidden, hidden[-1] if hidden else 8))


def _set_units(layer: int, units: int) -> None:
    hidden = list(state.experiment().hidden)
    if layer < len(hidden):  # a browser may still report the box of a layer that has just been removed
        hidden[layer] = units
        state.change(hidden=hidden)


def _more_settings() -> None:
    """Less common settings, in a popover."""
    network, training = group(NETWORK, advanced=True), group(TRAINING, advanced=True)
    if any(map(offered, (*network, *training))):
        with folded("More settings", (*network, *training), "more_settings"):
            sections = {NETWORK: list(filter(offered, network)), TRAINING: list(filter(offered, training))}
            parts = [
                (title, fields[start : start + COLUMN_LENGTH])
                for title, fields in sections.items()
                for start in range(0, len(fields), COLUMN_LENGTH)
            ]
            # A screen of 900 px shows all of it; where it has to scroll, a list that opens may close again.
            with st.container(width=300 * len(parts)):
                columns = st.columns(len(parts), gap="medium")
            for column, (title, part) in zip(columns, parts, strict=True):
                with column:
                    st.markdown(f"**{title}**")
                    for field in part:
                        control(field)
