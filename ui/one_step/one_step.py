"""The One step page: choose a point and a parameter, then follow one training step section by section."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from data import FEATURES
from data.counted import counted
from lab.experiment.architecture import Architecture, architecture_of
from lab.experiment.experiment import Experiment
from lab.queries.one_step import MAX_SHOWN_UNITS, POINT_SOURCES
from ui.figures.chooser import MAX_POINTS, chooser
from ui.kit.charts import chart, theme
from ui.kit.escape import escape_markdown
from ui.kit.inline_picture import picture
from ui.kit.page_parts import ask, keys
from ui.kit.widgets import command
from ui.one_step.sections import Walk, sections
from ui.session import state

SOURCES = {"train": "Training point", "test": "Test point", "batch": "Mini-batch", "typed": "Typed point"}


def walk() -> None:
    """The controls and the current section. It runs as a fragment: nothing else on the page depends on it."""
    state.look_again()
    if state.status()["status"] == "running":
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info("Your network is training: the numbers change with every click. Pause it first.")
            command("Pause", "pause", help="Pause training; nothing is lost.")
    left, right = st.columns([2, 7], gap="medium")
    e = state.experiment()
    with left:
        header, arrays = ask("plane")
        facts, typed = _choose_point(e, header, arrays)
        facts |= _choose_parameter(architecture_of(e), header["names"], facts, typed)
    answer, seen = ask("one_step", typed, **facts)
    names = _input_names(answer, e)
    with left:
        _point_sentence(answer, seen, names)
    with right:
        _walk(Walk(answer, seen, names, e.output_name, e.loss_name))


# The point -----------------------------------------------------------------------------------------------------------


def _choose_point(e: Experiment, header: Mapping, arrays: Mapping) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    sources = [source for source in POINT_SOURCES if source != "typed" or not e.source.image_shape]
    options = ["batch"] if e.batch_norm else sources
    help = "One point of the data, the points of a whole batch, or one that you type."
    key = f"step_part_{len(options)}"
    st.session_state.setdefault(key, options[0])  # a click on the map sets it, too
    show = {"format_func": SOURCES.__getitem__, "required": True, "key": key, "help": help, "wrap": True}
    part = st.segmented_control("Data", options, **show) or options[0]
    facts: dict[str, Any] = {"part": part, "number": 0, "label": 0}
    if part == "batch":
        if e.batch_norm:
            st.caption("Batch normalization needs several points, so a batch is shown.")
        return facts, {}
    if part == "typed":
        return _typed(facts, e, header)
    most = header[part]
    st.session_state["step_point"] = min(st.session_state.get("step_point", 1), most)
    help = f"Number of the point, from 1 to {most:,}. A click on the map also chooses one."
    facts["number"] = int(st.number_input("Point", 1, most, key="step_point", help=help)) - 1
    if header["extent"]:
        _map(part, facts["number"], header, arrays, e)
    return facts, {}


def _map(part: str, number: int, header: Mapping, arrays: Mapping, e: Experiment) -> None:
    parts = (part, "test" if part == "train" else "train")
    points = {name: (arrays[f"points_{name}"], arrays[f"labels_{name}"]) for name in parts}
    if e.source.kind == "regression":
        center, scale = header["center"]
        points = {name: (places, labels * scale + center) for name, (places, labels) in points.items()}
    x1, x2 = (float(value) for value in arrays[f"points_{part}"][number])
    view = (arrays["map"], header["encoding"], header["extent"])
    figure = chooser(*view, points, e.source.shown_class_names, (x1, x2), theme=theme())
    chart(figure, "step_map", "Prediction of the network, with the points of the data", on_pick=_pick)
    subset = f" (the first {MAX_POINTS} of each part)" if max(header["train"], header["test"]) > MAX_POINTS else ""
    absent = " Validation points are not shown." if e.validation_share else ""
    shown = "the large ones belong to this part. Click one to choose it."
    st.caption(f"The network's prediction, and training and test points{subset}; {shown}{absent}")


def _pick(point: Any) -> None:
    """A point of the map was clicked."""
    match point:
        case [str(part), int(number)] if part in SOURCES and number >= 0:
            st.session_state["step_part_4"], st.session_state["step_point"] = part, number + 1


def _typed(facts: dict[str, Any], e: Experiment, header: Mapping) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    plane = e.source.plane
    names = ("x1", "x2") if plane else header["names"]
    starts = (1.0, 1.0) if plane else header["mean"]
    columns, values = st.columns(2), []
    for n, (name, start) in enumerate(zip(names, starts, strict=True)):
        with columns[n % 2]:
            help = "In the units of the data; the network sees it standardized."
            key = f"step_x_{e.dataset}_{n}"
            values.append(st.number_input(escape_markdown(name), -1e6, 1e6, round(float(start), 3), key=key, help=help))
    help = "The correct output for this point."
    if e.source.kind == "regression":
        label = st.number_input("True value", -1e6, 1e6, 0.0, key="step_value", help=help)
    else:
        classes = e.source.shown_class_names
        show = lambda n: classes[n]  # noqa: E731
        label = st.selectbox(
            "True class", range(len(classes)), format_func=show, key=f"step_class_{e.dataset}", help=help
        )
    return {**facts, "label": label}, {"x": np.array(values, np.float64)}


def _input_names(answer: Mapping, e: Experiment) -> list[str]:
    if answer["front"]:
        return [f"map value {n + 1}" for n in range(architecture_of(e).sizes[0])]
    return [FEATURES[name].label if name in FEATURES else name for name in answer["names"]]


def _point_sentence(answer: Mapping, seen: Mapping, names: list[str]) -> None:
    classes = state.experiment().source.shown_class_names
    if answer["label"] is not None:
        truth = f"class {escape_markdown(classes[answer['label']])}" if classes else f"{answer['label']:.4g}"
        unit = "" if classes else " (the network learns targets in standard deviations)"
        st.caption(f"Truth: {truth}. Loss of this point: {answer['loss']:.4f}{unit}.")
    else:
        count, whole = answer["points"], answer["batch"]
        subset = f"; shown are the first {count}, whose" if count < whole else "; their"
        st.caption(f"The latest batch has {counted(whole, 'point')}{subset} mean loss is {answer['loss']:.4f}.")
    if "picture" in seen and answer["points"] == 1:
        pixels = np.clip(seen["picture"] / max(float(seen["picture"].max()), 1), 0, 1)
        words = "This picture, as the network sees it."
        picture(np.uint8(255 * pixels).repeat(8, axis=0).repeat(8, axis=1), caption=words, width=180, alt=words)


# The parameter -------------------------------------------------------------------------------------------------------


def _choose_parameter(
    architecture: Architecture, names: list[str], point: dict[str, Any], typed: dict[str, np.ndarray]
) -> dict[str, int]:
    """Controls for the parameter, which begin at the weight with the largest gradient. point, typed: the point."""
    counts, blocks = architecture.sizes, architecture.dense
    layers = len(blocks)
    help = "The layer whose weight or bias is followed."
    options = {"format_func": lambda n: blocks[n].title, "key": f"step_layer_{layers}", "help": help}
    layer = st.selectbox("Parameter of", range(layers), **options) or 0
    ends = f"step_from_{layer}_{counts[layer]}", f"step_to_{layer}_{counts[layer + 1]}"
    if ends[0] not in st.session_state:
        largest, _ = ask("one_step", typed, **point, layer=layer, source=None, target=None, first=0)
        st.session_state[ends[0]], st.session_state[ends[1]] = largest["source"], largest["target"]
    left, right = st.columns(2)
    with left:
        help = "The neuron that the weight comes from, or the bias."
        inputs = names if layer == 0 and len(names) == counts[0] else []
        label = lambda n: "bias" if n < 0 else inputs[n] if inputs else f"neuron {n + 1}"  # noqa: E731
        source = st.selectbox("From", range(-1, counts[layer]), format_func=label, key=ends[0], help=help)
    with right:
        help = "The neuron that the weight or bias belongs to."
        label = lambda n: f"neuron {n + 1}"  # noqa: E731
        target = st.selectbox("To", range(counts[layer + 1]), format_func=label, key=ends[1], help=help)
    first = 0
    if max(counts) > MAX_SHOWN_UNITS:
        help = f"{MAX_SHOWN_UNITS} neurons of a layer are shown: 0 for the strongest, or the number of the first one."
        first = st.number_input("Neurons shown from (0 = strongest)", 0, max(counts), 0, key="step_first", help=help)
    return {"layer": layer, "source": source or 0, "target": target or 0, "first": int(first)}


# The sections -------------------------------------------------------------------------------------------------------


def _walk(walk: Walk) -> None:
    places = sections(walk)
    last = len(places) - 1
    at = min(st.session_state.get("step_at", 0), last)
    st.session_state["step_at"] = at
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="walk"):
        help = "The previous section. Shortcut: left arrow"
        st.button("Back", key="walk_back", on_click=_move, args=(-1, last), disabled=at == 0, help=help)
        help = "The next section. Shortcut: right arrow"
        st.button(
            "Next", key="walk_next", on_click=_move, args=(1, last), disabled=at == last, type="primary", help=help
        )
        help = "Drag to go to any section."
        with st.container(width="stretch"):
            st.select_slider("Section", range(last + 1), format_func=lambda n: f"{n + 1} of {last + 1}", key="step_at",
                             help=help)  # fmt: skip
    keys({"ArrowLeft": ["walk_back"], "ArrowRight": ["walk_next"]})
    place = places[at]
    picture_side, text_side = st.columns(2, gap="medium")
    with picture_side:
        chart(walk.figure(place, theme()), "step_network", f"Network, with the numbers of the section {place.title}")
        st.caption(walk.legend(place))
    with text_side:
        st.subheader(place.title, anchor=False)
        place.draw()


def _move(by: int, last: int) -> None:
    st.session_state["step_at"] = min(max(st.session_state.get("step_at", 0) + by, 0), last)
