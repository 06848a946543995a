"""The loss landscape of the visitor's network: choose a plane, compute it step by step, race on it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from data import FEATURES
from data.counted import counted
from lab.experiment.experiment import Experiment, ExperimentError
from lab.queries.landscape import PLANE_KINDS, PLANE_SIDES
from lab.race.optimizer_race import Race
from ui.figures.descent import DescentPath
from ui.optimizers.race_parts import (
    REMEMBERED,
    optimizer_pills,
    race_charts,
    race_results,
    rate_slider,
    start_slider,
    steps_slider,
    view_toggles,
)
from ui.session import state

REFRESH_S = 0.4  # time between two refreshes while the landscape is computed
WORK_S = 0.25  # of which this much is spent computing
TRAINING_STYLE = 7  # gray: the style of no optimizer
START = {"x": -0.6, "y": 0.6}  # as shares of the reach
AXES = {
    "random": ("first random direction", "second random direction"),
    "path": ("main direction of training", "second direction of training"),
}


@st.fragment
def own_landscape() -> None:
    """Controls on the left; on the right the landscape, or the progress of its computation."""
    notes = state.notes()
    left, right = st.columns([1, 3], gap="medium")
    with left:
        plan, axes = _plan()
        help = "Trains a copy of your network and computes the loss over the whole plane. Your network does not change."
        press: dict[str, Any] = {"on_click": state.press, "args": ("landscape",)}
        st.button("Compute the landscape", key="land_begin", type="primary", help=help, **press)
        if state.take_press("landscape"):
            _begin(plan, axes)
        settings = _race_controls(notes["landscape"]) if notes.get("landscape") else None
    with right:
        if problem := notes.get("landscape_problem"):
            st.warning(problem)
        if notes.get("landscape_job") is not None:
            st.fragment(_working, run_every=REFRESH_S)()
        elif settings:
            header, arrays = notes["landscape"]
            _race(header, arrays, settings)
        else:
            st.info("Press **Compute the landscape**. The default network takes about a second, a large one longer.")


def _plan() -> tuple[dict[str, Any], tuple[str, str]]:
    """The arguments of the query, and the names of the two axes."""
    kind = st.radio(
        "Plane through your weights",
        list(PLANE_KINDS),
        format_func=PLANE_KINDS.get,
        key="land_kind",
        **REMEMBERED,
        help="The loss has one dimension per weight, and the map has two: choose which.",
    )
    plan: dict[str, Any] = {"kind": kind}
    names: dict[str, str] = {}
    if kind == "random":
        help = "The same number always gives the same two directions."
        plan["seed"] = int(st.number_input("Pair of directions", 0, 999, key="land_seed", help=help, **REMEMBERED))
    if kind == "weights":
        names = weight_labels(state.ask("landscape_weights")[0]["weights"], state.experiment())
        for word, start in (("first", 0), ("second", 1)):
            options: dict[str, Any] = {"index": min(start, len(names) - 1), "key": f"land_{word}", **REMEMBERED}
            help = f"The weight along the {'horizontal' if word == 'first' else 'vertical'} axis."
            label = f"{word.capitalize()} weight"
            plan[word] = st.selectbox(label, list(names), format_func=names.__getitem__, help=help, **options)
    help = "How far the plane extends from your weights, in lengths of its directions."
    plan["reach"] = st.select_slider(
        "Reach", (0.25, 0.5, 1.0, 2.0, 4.0, 8.0), 1.0, key="land_reach", help=help, **REMEMBERED
    )
    help = "Points along each edge. Each point needs the loss of all examples, so more take longer."
    plan["side"] = st.select_slider("Detail", PLANE_SIDES, PLANE_SIDES[1], key="land_side", help=help, **REMEMBERED)
    axes = AXES.get(str(kind)) or (names[plan["first"]], names[plan["second"]])
    return plan, axes


def weight_labels(names: Sequence[str], experiment: Experiment) -> dict[str, str]:
    """Display names of weights such as "2.W 1 3" of lab/queries/landscape.py; counts only layers with weights."""
    layers = {layer: number for number, layer in enumerate(dict.fromkeys(n.split(".")[0] for n in names), 1)}
    return {name: _label(name, layers, experiment) for name in names}


def _label(name: str, layers: Mapping[str, int], e: Experiment) -> str:
    parameter, *place = name.split()
    layer, kind = parameter.split(".")
    numbers = [int(number) + 1 for number in place]
    if kind == "W" and len(numbers) == 2:
        of_plane = layers[layer] == 1 and e.source.plane
        source = FEATURES[e.features[numbers[0] - 1]].label if of_plane else f"neuron {numbers[0]}"
        return f"layer {layers[layer]}: {source} to neuron {numbers[1]}"
    return f"layer {layers[layer]}: {'bias of neuron' if kind == 'b' else kind} {' '.join(map(str, numbers))}"


def _begin(plan: dict[str, Any], axes: tuple[str, str]) -> None:
    notes = state.notes()
    try:
        state.ask("landscape", **plan)
    except (ExperimentError, RuntimeError) as problem:
        notes["landscape_problem"] = str(problem)
    else:
        notes |= {"landscape_job": 0.0, "landscape_problem": "", "landscape": None, "landscape_axes": axes}


def _working() -> None:
    """Compute for a moment, then show the progress; the page stays usable in between."""
    notes, ends = state.notes(), time.monotonic() + WORK_S
    try:
        while time.monotonic() < ends:
            header, arrays = state.ask("landscape_more")
            if header["finished"]:
                notes |= {"landscape": (header, arrays), "landscape_job": None}
                st.rerun()
            notes["landscape_job"] = header["share"]
    except (ExperimentError, RuntimeError) as problem:
        notes |= {"landscape_problem": str(problem), "landscape_job": None}
        st.rerun()
    st.progress(notes["landscape_job"], "Training a copy, then computing the loss at each point")
    st.button("Stop", key="land_stop", on_click=_stop, help="Stop computing this landscape.")


def _stop() -> None:
    state.notes()["landscape_job"] = None


class RaceSettings(NamedTuple):
    """Which race is run on the landscape, and how it is drawn."""

    names: list[str]
    start: tuple[float, float]
    rate: float
    steps: int
    log: bool
    three: bool


def _race_controls(landscape: tuple[dict[str, Any], dict[str, np.ndarray]]) -> RaceSettings:
    reach = float(landscape[1]["axis"][-1])
    names, rate, steps = optimizer_pills("land"), rate_slider("land_rate", 0.1), steps_slider("land_steps", 60)
    x, y = (start_slider(n, _start_key(n, reach), (-reach, reach), at * reach, reach / 50) for n, at in START.items())
    return RaceSettings(names, (x, y), rate, steps, *view_toggles("land", log=False))


def _race(header: dict[str, Any], arrays: dict[str, np.ndarray], settings: RaceSettings) -> None:
    (x, y), reach = state.notes()["landscape_axes"], float(arrays["axis"][-1])
    st.markdown(_caption(header))
    if not settings.names:
        st.info("Choose at least one optimizer.")
        return
    facts = {"names": settings.names, "start": settings.start, "rate": settings.rate, "steps": settings.steps}
    try:
        ran, rest = state.ask("landscape_race", **facts)
    except (ExperimentError, RuntimeError) as problem:
        st.warning(str(problem))
        return
    finished = Race(tuple(ran["names"]), tuple(ran["rates"]), rest["points"], rest["heights"])
    if finished.steps < settings.steps:
        st.caption(f"The race ended after {counted(finished.steps, 'step')}, because more would take too long.")
    xs = ys = arrays["axis"]
    training = DescentPath("path of training", TRAINING_STYLE, arrays["path"], _heights_along(arrays), grows=False)
    race_charts(
        "land",
        xs,
        ys,
        arrays["heights"],
        finished,
        log=settings.log,
        three=settings.three,
        lowest=(0.0, 0.0),
        x=x,
        y=y,
        height="loss",
        before=(training,),
        on_click=lambda x, y: _set_start(x, y, reach),
    )
    race_results(finished, height="loss")


def _set_start(x: float, y: float, reach: float) -> None:
    step = reach / 50
    for axis, value in (("x", x), ("y", y)):
        st.session_state[_start_key(axis, reach)] = float(np.clip(round(value / step) * step, -reach, reach))


def _start_key(axis: str, reach: float) -> str:
    return f"land_{axis}_{reach}"


def _heights_along(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Heights of the plane along the path of training, by bilinear interpolation; NaN outside."""
    axis, heights = arrays["axis"], arrays["heights"]
    at = (arrays["path"] - axis[0]) / (axis[1] - axis[0])
    inside = ((at >= 0) & (at <= len(axis) - 1)).all(axis=1)
    low = np.clip(np.floor(np.nan_to_num(at)).astype(int), 0, len(axis) - 2)
    (j, i), (u, v) = low.T, (at - low).T
    rows = (1 - u) * heights[i, j] + u * heights[i, j + 1], (1 - u) * heights[i + 1, j] + u * heights[i + 1, j + 1]
    return np.where(inside, (1 - v) * rows[0] + v * rows[1], np.nan)


def _caption(header: dict[str, Any]) -> str:
    """What the picture shows, with its numbers."""
    length = counted(header["epochs"], "epoch")
    if header["reproduced"]:
        path = f"The gray line is the path of your network in {length}"
    elif header["epoch"]:
        path = (
            f"The gray line is the training path of a copy, trained for {length} with the current "
            "settings; it does not end at your weights, because something was changed during training"
        )
    else:
        path = f"Your network is untrained; the gray line shows where {length} would take it"
    return (
        f"Height: mean loss of {header['samples']:,} training examples. The star is your network after "
        f"{counted(header['epoch'], 'epoch')}, loss **{header['center']:.4f}**. {path}. "
        f"{header['in_plane']:.0%} of its squared length is in this plane; the line is its projection. The optimizers "
        "of the race move in the plane only, with gradients from the engine's own backward pass."
    )
