"""The loss of the visitor's own network as a landscape: lay a plane, compute it in pieces, race on it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import streamlit as st

from data import FEATURES
from lab.experiment import ExperimentError
from lab.landscape import KINDS, SIDES
from lab.race import Race
from ui import state
from ui.figures import Way
from ui.race import KEPT, pictures, racers, rate_slider, results, steps_slider, view_toggles

TICK = 0.4  # seconds between two looks at the work
SHARE = 0.25  # seconds of each look that are spent working
WAY_STYLE = 7  # grey: of no optimiser of the race
AXES = {"random": ("first random direction", "second random direction"), "path": ("main way", "second way")}


def own_landscape() -> None:
    """Controls on the left; on the right what has been computed, or how far it is."""
    left, right = st.columns([1, 3], gap="medium")
    with left:
        plan = _plan()
        st.button(
            "Compute the landscape",
            key="land_begin",
            type="primary",
            on_click=_begin,
            args=(plan,),
            help="Trains a copy from the first weights and computes the loss all over the plane. "
            "Your network is not touched.",
        )
    with right:
        if state.notes().get("landscape_job") is not None:
            st.fragment(_working, run_every=TICK)()
        else:
            _shown()


def _plan() -> dict[str, Any]:
    kind = st.radio(
        "Plane through your weights",
        list(KINDS),
        format_func=KINDS.get,
        key="land_kind",
        **KEPT,
        help="A network has one dimension for each weight. A picture has two: choose which.",
    )
    plan: dict[str, Any] = {"kind": kind}
    if kind == "random":
        help = "The same number gives the same two directions."
        plan["seed"] = int(st.number_input("Pair of directions", 0, 999, key="land_seed", help=help, **KEPT))
    if kind == "weights":
        names = state.ask("landscape_weights")[0]["weights"]
        for word, start in (("first", 0), ("second", 1)):
            options = {"format_func": weight_label, "index": min(start, len(names) - 1), "key": f"land_{word}"}
            help = f"The weight along the {'horizontal' if word == 'first' else 'vertical'} axis."
            plan[word] = st.selectbox(f"{word.capitalize()} weight", names, help=help, **options, **KEPT)
    help = "How far the plane goes to each side of your weights, in lengths of its directions."
    plan["reach"] = st.select_slider("Reach", (0.25, 0.5, 1.0, 2.0, 4.0, 8.0), 1.0, key="land_reach", help=help, **KEPT)
    help = "Points along an edge; each needs the loss of all its examples."
    plan["side"] = st.select_slider("Detail", SIDES, SIDES[1], key="land_side", help=help, **KEPT)
    return plan


def weight_label(name: str) -> str:
    """What a person calls the weight that lab/landscape.py calls "0.W 1 3"; all layers count, activations too."""
    parameter, *place = name.split()
    layer, kind = parameter.split(".")
    numbers = [int(number) + 1 for number in place]
    if kind == "W" and len(numbers) == 2:
        source = f"unit {numbers[0]}"
        features = state.experiment().features
        if layer == "0" and state.experiment().source.plane and numbers[0] <= len(features):
            source = FEATURES[features[numbers[0] - 1]].label
        return f"layer {layer}: {source} to unit {numbers[1]}"
    what = {"b": "bias of unit"}.get(kind, kind)
    return f"layer {layer}: {what} {' '.join(map(str, numbers))}"


def _begin(plan: dict[str, Any]) -> None:
    notes = state.notes()
    try:
        state.ask("landscape", **plan)
    except (ExperimentError, RuntimeError) as problem:
        notes["landscape_problem"] = str(problem)
    else:
        notes |= {"landscape_job": 0.0, "landscape_problem": "", "landscape": None, "landscape_plan": plan}


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


def _shown() -> None:
    notes = state.notes()
    if problem := notes.get("landscape_problem"):
        st.warning(problem)
    if not notes.get("landscape"):
        st.info("Press **Compute the landscape**. The default network takes a second, a large one longer.")
        return
    _picture(*notes["landscape"])


@st.fragment
def _picture(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    plan, reach = state.notes()["landscape_plan"], float(arrays["axis"][-1])
    st.markdown(_truth(header))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        with st.container(width=420):
            names = racers("land")
        with st.container(width=200):
            rate = rate_slider("land_rate", 0.1)
        with st.container(width=160):
            steps = steps_slider("land_steps", 60)
        with st.container(width=150):
            log, three = view_toggles("land", log=True)
    span = {"min_value": -reach, "max_value": reach, "step": reach / 50, **KEPT}
    with st.container(horizontal=True, gap="medium"):
        start = tuple(
            st.slider(
                f"Start {axis}",
                value=at * reach,
                key=f"land_{axis}_{reach}",
                width=220,
                **span,
                help="Where the racers begin; a click on the map sets it, too.",
            )
            for axis, at in (("x", -0.6), ("y", 0.6))
        )
    try:
        ran, rest = state.ask("landscape_race", names=names or ["sgd"], start=start, rate=rate, steps=steps)
    except (ExperimentError, RuntimeError) as problem:
        st.warning(str(problem))
        return
    finished = Race(tuple(ran["names"]), tuple(ran["rates"]), rest["points"], rest["heights"])
    if finished.steps < steps:
        st.caption(f"The race ended after {finished.steps} steps: more of them would take too long here.")
    x, y = AXES.get(header["kind"]) or (weight_label(plan["first"]), weight_label(plan["second"]))
    xs = ys = arrays["axis"]
    way = Way("way of training", WAY_STYLE, arrays["path"], _heights_along(arrays))
    pictures(
        f"land_{three}",
        xs,
        ys,
        arrays["heights"],
        finished,
        log=log,
        three=three,
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
        st.session_state[f"land_{axis}_{reach}"] = float(np.clip(round(value / step) * step, -reach, reach))


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
        f"{header['epoch']:,} epochs, loss **{header['centre']:.4f}**. {way}. It leaves the plane: "
        f"{header['in_plane']:.0%} of its squared length lies in it, and its height is that of the plane below it. "
        "The racers may move in the plane only, with the slope of the engine's own backward pass."
    )
