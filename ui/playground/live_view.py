"""The live view: mounts the component once and tells it where its frames come from. No script runs for a frame."""

from __future__ import annotations

import base64
import json
import time
from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

from engine import ACTIVATIONS, OUTPUTS
from lab.experiment.architecture import architecture_of
from lab.experiment.experiment import Experiment
from lab.experiment.layer_rules import MAX_LAYERS
from lab.protocol.errors import BadMessage
from lab.protocol.frames import unpack
from lab.protocol.messages import (
    AddLayers,
    ApplyFix,
    DrawPoints,
    ResizeLayer,
    SetActivation,
    ToggleFeature,
    event_from_component,
)
from ui.components import PLOTLY, script, styles
from ui.figures.activation import activation_shape
from ui.figures.learning_curve import curve, curves
from ui.kit.charts import theme
from ui.kit.shortcuts import for_component
from ui.kit.style import enlarged
from ui.kit.widgets import locked, previews
from ui.playground import drawing_pad, features
from ui.server.traffic import TRAFFIC
from ui.session import state

FRAME_INTERVAL_MS = 16  # while it runs
RERUN_S = 0.7  # between two frames without a socket
SEEN = "picture seen"  # the note that the first picture was sent to this visitor
MAX_WAIT_S, POLL_S, PAINT_S = 1.0, 0.01, 0.04  # for the first picture: limit, between two checks, to paint it
EVENT_FIELDS = {
    "toggle_feature": "features", "resize": "hidden", "layers": "hidden", "activation": "activations",
    "points": "points",
}  # fmt: skip
CHARTS = ("loss", "accuracy", "activation")
LOCKS = (*Experiment.model_fields, "weights")


def live() -> None:
    """Everything that moves: map or pictures, curves, confusion matrix, status line."""
    if state.runs().live:
        address = {"socket": "live/socket", "token": state.token(), "plotly": PLOTLY}
        _mount({"mode": "socket", **address, "interval": FRAME_INTERVAL_MS})
    else:
        st.fragment(_rerun, run_every=RERUN_S)()


def picture_first() -> None:
    """Before the controls, once per visit: wait until the browser has painted the picture.

    A browser shows everything that a script run sends together; with forty controls that is half a second later.
    """
    if state.notes().get(SEEN) or not state.runs().live:
        return
    state.notes()[SEEN] = True
    end = time.monotonic() + MAX_WAIT_S
    while not TRAFFIC.sockets[state.token()] and time.monotonic() < end:
        time.sleep(POLL_S)
    time.sleep(PAINT_S)


def _rerun() -> None:
    """The same component and frame without a socket, one per script run, with static figures as curves."""
    frame = state.runs().frame(state.token())
    header, arrays = unpack(frame)
    if header["status"] != state.status()["status"]:
        st.rerun()
    _mount({"mode": "rerun", "frame": base64.b64encode(frame).decode()})
    arguments, epochs, history = _figure_arguments(), arrays["history_epoch"], arrays["history"]
    figures = dict(_figures(*arguments, theme()))
    if epochs.size:
        figures["loss"], figures["accuracy"] = curves(epochs, history, score=arguments[-1], theme=theme()).values()
    for column, (name, figure) in zip(st.columns(3), figures.items(), strict=True):
        column.plotly_chart(figure, key=f"static_{name}", theme=None, config={"displayModeBar": False})


def _mount(source: dict[str, Any]) -> None:
    view = state.view()
    figures = {name: json.loads(text) for name, text in _texts(*_figure_arguments(), theme()).items()}
    if view["projector"]:
        figures = {name: enlarged(figure) for name, figure in figures.items()}
    data = {
        **source,
        "status": state.status()["status"],
        "show_test": view["show_test"],
        "discretize": view["discretize"],
        "mark_errors": view["mark_errors"],
        "locked": [name for name in LOCKS if locked(name)],
        "figures": figures,
        "outline": None if state.experiment().source.plane else architecture_of(state.experiment()).outline,
        "activations": {name: activation.label for name, activation in ACTIVATIONS.items()},
        "drawing": drawing_pad.options(),
        "keys": for_component(),
        "previews": previews(state.experiment()),
        "projector": view["projector"],
        "controls": view["controls"],
        "handled": state.handled(),
    }
    _component(state.runs().live)(key="live", data=data, on_events_change=_carry_out)


def _carry_out() -> None:
    state.carry_out(st.session_state["live"].get("events"), _event)


def _event(message: dict[str, Any]) -> None:
    """Turns what the visitor did in the picture into changes of the experiment, validated like any other input.

    Other events report that the run has stopped or is gone, or that the connection is back. They need no action: the
    script run that they cause redraws the page.
    """
    if locked(EVENT_FIELDS.get(str(message.get("type")), "")):
        return
    try:
        event = event_from_component(message)
    except BadMessage:
        return
    e = state.experiment()
    match event:
        case ToggleFeature(name):
            features.toggle(name)
        case DrawPoints(points, number, done):
            drawing_pad.take(points, number, done)
        case ResizeLayer(layer, by) if 0 <= layer < len(e.hidden):
            state.change(hidden=[*e.hidden[:layer], e.hidden[layer] + by, *e.hidden[layer + 1 :]])
        case SetActivation(layer, name) if 0 <= layer < len(e.hidden):
            names = (*e.activation_names[:layer], name, *e.activation_names[layer + 1 :])
            state.change(activations=names if len(set(names)) > 1 else name)
        case AddLayers(by) if 0 <= len(e.hidden) + by <= MAX_LAYERS:
            state.change(hidden=(*e.hidden, *(e.hidden[-1:] or (8,)) * MAX_LAYERS)[: len(e.hidden) + by])
        case ApplyFix(changes):
            allowed = {name for name in Experiment.model_fields if not locked(name)}
            state.change(**{name: value for name, value in changes.items() if name in allowed})


@lru_cache(maxsize=2)
def _component(served: bool) -> Any:
    css = styles("live/live.css", "live/responses/responses.css", "shared/save.css")
    js = script("live/live.js", served)
    return component("live", html='<div class="live"></div>', css=css, js=js, isolate_styles=False)


def _figure_arguments() -> tuple[str, str, str]:
    """What the static figures depend on: the function drawn and its title, and what the score is called.

    The function is that of the first hidden layer, or without one that of the output.
    """
    e = state.experiment()
    score = "accuracy" if e.source.kind == "classification" else "R2"
    if not e.hidden:
        return e.output_name, f"{OUTPUTS[e.output_name].label} (output)", score
    name, *others = e.activation_names
    title = ACTIVATIONS[name].label
    return name, f"{title} (layer 1)" if {*others} - {name} else title, score


@lru_cache(maxsize=64)
def _texts(function: str, title: str, score: str, theme: Any) -> dict[str, str]:
    """The figures as JSON."""
    return {name: figure.to_json() for name, figure in _figures(function, title, score, theme).items()}


@lru_cache(maxsize=64)
def _figures(function: str, title: str, score: str, theme: Any) -> dict[str, Any]:
    nothing = np.zeros(0)
    z = np.linspace(-5, 5, 201)
    f = ACTIVATIONS["sigmoid" if function == "softmax" else function]  # softmax of z and one other output at 0
    a = f.forward(z)
    slope = f.backward(np.ones_like(z), z, a)
    figures = [curve(*[nothing] * 4, label=label, theme=theme) for label in ("loss", score)]
    figures.append(activation_shape(z, a, slope, name=title, theme=theme))
    return dict(zip(CHARTS, figures, strict=True))
