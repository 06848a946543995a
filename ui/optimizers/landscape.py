"""The loss of the visitor's own network as a landscape: lay a plane, compute it in pieces, race on it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from data import FEATURES
from lab.experiment.experiment import Experiment, ExperimentError
from lab.queries.landscape import KINDS, SIDES
from lab.race.race import Race
from ui.figures import Way
from ui.optimizers.race import KEPT, pictures, racers, rate_slider, results, start_slider, steps_slider, view_toggles
from ui.session import state

TICK = 0.4  # seconds between two looks at the work
SHARE = 0.25  # seconds of each look that are spent working
WAY_STYLE = 7  # grey: of no optimiser of the race
START = {"x": -0.6, "y": 0.6}  # where the racers begin, as shares of the reach
AXES = {"random": ("first random direction", "second random direction"), "path": ("main way", "second way")}


@st.fragment
def own_landscape() -> None:
    """Controls on the left; on the right what has been computed, or how far it is."""
    notes = state.notes()
    left, right = st.columns([1, 3], gap="medium")
    with left:
        plan, axes = _plan()
        help = "Trains a copy and computes the loss all over the plane. Your network is not touched."
        press: dict[str, Any] = {"type": "primary", "on_click": _begin, "args": (plan, axes), "help": help}
        st.button("Compute the landscape", key="land_begin", **press)
        order = _race_controls(notes["landscape"]) if notes.get("landscape") else None
    with right:
        if problem := notes.get("landscape_problem"):
            st.warning(problem)
        if notes.get("landscape_job") is not None:
            st.fragment(_working, run_every=TICK)()
        elif order:
            header, arrays = notes["landscape"]
            _picture(header, arrays, order)
        else:
            st.info("Press **Compute the landscape**. The default network takes a second, a large one longer.")


def _plan() -> tuple[dict[str, Any], tuple[str, str]]:
    """What to ask for, and what to call the two axes."""
    kind = st.radio(
        "Plane through your weights",
        list(KINDS),
        format_func=KINDS.get,
        key="land_kind",
        **KEPT,
        help="A network has one dimension for each weight. A picture has two: choose which.",
    )
    plan: dict[str, Any] = {"kind": kind}
    names: dict[str, str] = {}
    if kind == "random":
        help = "The same number gives the same two directions."
        plan["seed"] = int(st.number_input("Pair of directions", 0, 999, key="land_seed", help=help, **KEPT))
    if kind == "weights":
        names = weight_labels(state.ask("landscape_weights")[0]["weights"], state.experiment())
        for word, start in (("first", 0), ("second", 1)):
            options = {"format_func": names.get, "index": min(start, len(names) - 1), "key": f"land_{word}"}
            help = f"The weight along the {'horizontal' if word == 'first' else 'vertical'} axis."
            plan[word] = st.selectbox(f"{word.capitalize()} weight", list(names), help=help, **options, **KEPT)
    help = "How far the plane goes to each side of your weights, in lengths of its directions."
    plan["reach"] = st.select_slider("Reach", (0.25, 0.5, 1.0, 2.0, 4.0, 8.0), 1.0, key="land_reach", help=help, **KEPT)
    help = "Points along an edge; each needs the loss of all its examples."
    plan["side"] = st.select_slider("Detail", SIDES, SIDES[1], key="land_side", help=help, **KEPT)
    axes = AXES.get(str(kind)) or (names[plan["first"]], names[plan["second"]])
    return plan, axes


def weight_labels(names: Sequence[str], experiment: Experiment) -> dict[str, str]:
    """Display names of the weights that lab/queries/landscape.py calls "2.W 1 3"; counts only layers with weights."""
    layers = {layer: number for number, layer in enumerate(dict.fromkeys(n.split(".")[0] for n in names), 1)}
    return {name: _label(name, layers, experiment) for name in names}


def _label(name: str, layers: Mapping[str, int], e: Experiment) -> str:
    parameter, *place = name.split()
    layer, kind = parameter.split(".")
    numbers = [int(number) + 1 for number in place]
    if kind == "W" and len(numbers) == 2:
        of_plane = layers[layer] == 1 and e.source.plane
        source = FEATURES[e.features[numbers[0] - 1]].label if of_plane else f"unit {numbers[0]}"
        return f"layer {layers[layer]}: {source} to unit {numbers[1]}"
    return f"layer {layers[layer]}: {'bias of unit' if kind == 'b' else kind} {' '.join(map(str, numbers))}"


def _begin(plan: dict[str, Any], axes: tuple[str, str]) -> None:
    notes = state.notes()
    try:
        state.ask("landscape", **plan)
    except (ExperimentError, RuntimeError) as problem:
        notes["landscape_problem"] = str(problem)
    else:
        notes |= {"landscape_job": 0.0, "landscape_problem": "", "landscape": None, "landscape_axes": axes}


def _working() -> None:
    """A look at the work: some pieces, then how far it is. The page stays usable in between."""
    notes, ends = state.notes(), time.monotonic() + SHARE
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
    st.progress(notes["landscape_job"], "Training a copy, then computing the loss point by point")
    st.button("Stop", key="land_stop", on_click=_stop, help="Give up this landscape.")


def _stop() -> None:
    state.notes()["landscape_job"] = None


class Order(NamedTuple):
    """What is raced, and how it is drawn."""

    names: list[str]
    start: tuple[float, float]
    rate: float
    steps: int
    log: bool
    three: bool


def _race_controls(landscape: tuple[dict[str, Any], dict[str, np.ndarray]]) -> Order:
    reach = float(landscape[1]["axis"][-1])
    names, rate, steps = racers("land"), rate_slider("land_rate", 0.1), steps_slider("land_steps", 60)
    x, y = (start_slider(n, _start_key(n, reach), (-reach, reach), at * reach, reach / 50) for n, at in START.items())
    return Order(names, (x, y), rate, steps, *view_toggles("land", log=False))


def _picture(header: dict[str, Any], arrays: dict[str, np.ndarray], order: Order) -> None:
    (x, y), reach = state.notes()["landscape_axes"], float(arrays["axis"][-1])
    st.markdown(_truth(header))
    if not order.names:
        st.info("Choose at least one optimizer.")
        return
    facts = {"names": order.names, "start": order.start, "rate": order.rate, "steps": order.steps}
    try:
        ran, rest = state.ask("landscape_race", **facts)
    except (ExperimentError, RuntimeError) as problem:
        st.warning(str(problem))
        return
    finished = Race(tuple(ran["names"]), tuple(ran["rates"]), rest["points"], rest["heights"])
    if finished.steps < order.steps:
        st.caption(f"The race ended after {finished.steps} steps: more of them would take too long here.")
    xs = ys = arrays["axis"]
    way = Way("way of training", WAY_STYLE, arrays["path"], _heights_along(arrays), grows=False)
    pictures(
        "land",
        xs,
        ys,
        arrays["heights"],
        finished,
        log=order.log,
        three=order.three,
        lowest=(0.0, 0.0),
        x=x,
        y=y,
        height="loss",
        before=(way,),
        on_click=lambda x, y: _begin_at(x, y, reach),
    )
    results(finished, height="loss")


def _begin_at(x: float, y: float, reach: float) -> None:
    step = reach / 50
    for axis, value in (("x", x), ("y", y)):
        st.session_state[_start_key(axis, reach)] = float(np.clip(round(value / step) * step, -reach, reach))


def _start_key(axis: str, reach: float) -> str:
    return f"land_{axis}_{reach}"


def _heights_along(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Heights of the plane under the way of training, bilinear between its points; NaN outside."""
    axis, heights = arrays["axis"], arrays["heights"]
    at = (arrays["path"] - axis[0]) / (axis[1] - axis[0])
    inside = ((at >= 0) & (at <= len(axis) - 1)).all(axis=1)
    low = np.clip(np.floor(np.nan_to_num(at)).astype(int), 0, len(axis) - 2)
    (j, i), (u, v) = low.T, (at - low).T
    rows = (1 - u) * heights[i, j] + u * heights[i, j + 1], (1 - u) * heights[i + 1, j] + u * heights[i + 1, j + 1]
    return np.where(inside, (1 - v) * rows[0] + v * rows[1], np.nan)


def _truth(header: dict[str, Any]) -> str:
    """What exactly is shown."""
    if header["same_way"]:
        way = f"The grey line is the way that your network went in {header['epochs']} epochs"
    elif header["epoch"]:
        way = (
            f"The grey line is the way of a copy, trained for {header['epochs']} epochs with the settings of now; it "
            "does not end in your weights, because something was changed on the way"
        )
    else:
        way = f"Your network is untrained; the grey line is where {header['epochs']} epochs would take it"
    return (
        f"Height: mean loss of {header['samples']:,} training examples. The star is your network after "
        f"{header['epoch']:,} epochs, loss **{header['centre']:.4f}**. {way}. Of its squared length "
        f"{header['in_plane']:.0%} lies in this plane; the rest is out of the picture, and the line is drawn where it "
        "comes nearest. The racers move in the plane only, with slopes from the engine's own backward pass."
    )
