"""The Functions page: every activation, loss and softmax as a shape, with the visitor's network on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from engine import ACTIVATIONS, LOSSES
from engine.formulas.activations import ActivationFunction
from engine.formulas.losses import Loss, softmax
from engine.training.diagnostics import DIAGNOSED_SAMPLES
from ui.figures.function_shapes import Curve, pre_activation_histogram, shapes, softmax_bars
from ui.functions.loss_shape import marks, shape, targets
from ui.kit.charts import chart, theme
from ui.kit.page_parts import ask, source
from ui.kit.widgets import labels
from ui.session import state

Z = np.linspace(-6, 6, 401)
TEMPERATURES = (0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
EXAMPLE = (2.0, 1.0, -1.0)  # logits of three classes


# Activations ---------------------------------------------------------------------------------------------------------


def activations() -> None:
    left, right = st.columns([1, 2], gap="medium")
    with left:
        function, extra = _chosen_activation()
        others = st.multiselect(
            "Compare with",
            [name for name in ACTIVATIONS if name != function.name],
            format_func=labels(ACTIVATIONS),
            key="fn_others",
            max_selections=4,
            help="Draws up to four more curves over this one.",
        )
        layer, point = _choose_dots()
    header, arrays = ask("pre_activations", point=point)
    with right:
        dots = arrays.get(f"z{layer}", np.zeros(0))
        curves = [curve_of(function, Z, *extra), *(curve_of(ACTIVATIONS[name], Z) for name in others)]
        alt = f"{function.label} and its derivative over z from -6 to 6"
        chart(shapes(Z, curves, (dots, function.forward(dots, *extra)), theme=theme()), "fn_shape", alt)
        st.caption(_dots_sentence(header, layer, function, len(dots)))
    with left:
        _formulas(function)
    distribution(header, arrays)
    with st.expander("Show me the source"):
        source(function.forward, function.backward)


def curve_of(function: ActivationFunction, z: np.ndarray, *extra: float) -> Curve:
    a = function.forward(z, *extra)
    return Curve(function.label, a, function.backward(np.ones_like(z), z, a, *extra))


def _chosen_activation() -> tuple[ActivationFunction, tuple[float, ...]]:
    names, first = list(ACTIVATIONS), (*state.experiment().activation_names, "tanh")[0]
    help = "The function to draw. Your network does not change; choose its activation on the Playground."
    options = {"format_func": labels(ACTIVATIONS), "key": "fn_activation", "help": help}
    function = ACTIVATIONS[st.selectbox("Activation", names, index=names.index(first), **options)]
    if function.parameter is None:
        return function, ()
    p = function.parameter
    help = f"Changes only this chart. Networks always use {p.usual:g}."
    return function, (
        st.slider(p.label, 0.0, float(p.maximum), float(p.usual), 0.01, key=f"fn_{function.name}", help=help),
    )


def _choose_dots() -> tuple[int, int]:
    """Controls for the layer and the training point that the dots show."""
    hidden = len(state.experiment().hidden) + len(state.experiment().conv)
    left, right = st.columns(2)
    with left:
        help = "The layer whose neurons are the dots on the curve, one dot per neuron."
        layer = st.selectbox("Dots: layer", list(range(max(hidden, 1))), format_func=lambda n: str(n + 1),
                             key="fn_layer", help=help, disabled=not hidden)  # fmt: skip
    with right:
        help = "Number of the training point whose values the dots show; a number beyond the last one selects the last."
        point = st.number_input("Data point", 1, 100_000, 1, key="fn_point", help=help)
    return layer or 0, int(point) - 1


def _dots_sentence(header: dict, layer: int, function: ActivationFunction, dots: int) -> str:
    if not dots:
        return "This network has no hidden layer, so there are no dots on the curve."
    own = header["layers"][min(layer, len(header["layers"]) - 1)]["activation"]
    what = f"The dots are the neurons of layer {layer + 1} for training point {header['point'] + 1}: across z, up f(z)."
    return what if own == function.name else f"{what} The layer itself uses {ACTIVATIONS[own].label}."


def _formulas(function: ActivationFunction) -> None:
    st.latex(rf"f(z) = {function.formula}")
    st.latex(rf"f'(z) = {function.derivative}")
    if function.parameter:
        p = function.parameter
        st.latex(rf"f(z) = {p.formula},\quad {p.symbol} = {st.session_state[f'fn_{function.name}']:g}")
    st.markdown(f"Range: {function.range}. {function.sentence}")


def distribution(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Distribution of the pre-activations, one small chart per layer."""
    st.markdown("##### Pre-activations in this network")
    layers = header["layers"]
    if not layers:
        st.caption("This network has no hidden layer, so there are no pre-activations to show.")
        return
    st.caption(
        f"Epoch {header['epoch']:,}. Bars: distribution of z over the first training points, "
        f"{DIAGNOSED_SAMPLES} at most. Line: the layer's activation. Dots: the chosen point. Saturated: the "
        "curve is almost flat there, so hardly any gradient passes. Dead: no gradient for any point."
    )
    for start in range(0, len(layers), 4):
        for number, column in zip(range(start, min(start + 4, len(layers))), st.columns(4), strict=False):
            with column:
                _layer(number, layers[number], arrays)


def _layer(number: int, layer: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    function, edges, dots = ACTIVATIONS[layer["activation"]], arrays["edges"][number], arrays[f"z{number}"]
    words = f"{layer['saturated']:.0%} saturated, {layer['dead']:.0%} dead"
    st.markdown(f"**Layer {number + 1}**, {function.label}: {words}")
    z = np.linspace(min(edges[0], *dots), max(edges[-1], *dots), 121)
    line, on_it = (z, function.forward(z)), (dots, function.forward(dots))
    figure = pre_activation_histogram(edges, arrays["counts"][number], line, on_it, theme=theme())
    chart(figure, f"fn_layer_{number}", f"Pre-activations of layer {number + 1}: {words}")


# Losses --------------------------------------------------------------------------------------------------------------


def losses() -> None:
    left, right = st.columns([1, 2], gap="medium")
    with left:
        names = list(LOSSES)
        help = "The loss to draw. Your network does not change."
        options = {"format_func": labels(LOSSES), "key": "fn_loss", "help": help}
        loss = LOSSES[st.selectbox("Loss", names, index=names.index(state.experiment().loss_name), **options)]
        allowed, usual = targets(loss)
        help = "The correct value of the output."
        show = "{:g}".format
        target = st.select_slider("Target t", allowed, usual, format_func=show, key=f"fn_target_{loss.name}", help=help)
        st.latex(rf"L = {loss.formula}")
        st.markdown(loss.sentence)
    header, arrays = ask("batch_outputs")
    found = marks(loss, target, header["output"], arrays)
    with right:
        y, curve = shape(loss, target)
        across = "prediction y" if loss.name != "categorical_crossentropy" else "probability y of the actual class"
        slope = "gradient dL/dz" if loss.on_logits else "gradient dL/dy"
        titles = (across, "loss of one output")
        figure = shapes(y, [curve], found.places, titles=titles, slope=slope, theme=theme())
        if loss.on_logits:
            figure.update_yaxes(range=[-1.1, 6])
        chart(figure, "fn_loss_shape", f"{loss.label} against the prediction, for target {target:g}")
        st.caption(f"Epoch {header['epoch']:,}, mean loss of this batch {header['value']:.4f}. {found.sentence}")
    _about_logits(loss)
    with st.expander("Show me the source"):
        source(loss.value, loss.gradient)


def _about_logits(loss: Loss) -> None:
    if loss.on_logits:
        st.caption(
            "The engine computes this loss from z, the value before the output function: there its gradient is simply "
            "y - t, and no logarithm of zero can occur. The loss of a confident wrong prediction has no upper limit."
        )


# Softmax -------------------------------------------------------------------------------------------------------------


def temperature() -> None:
    left, right = st.columns([1, 2], gap="medium")
    with left:
        names, logits = _logits()
        help = "Divides all logits. If it is low, the largest takes almost all; if it is high, all become equal."
        t = st.select_slider("Temperature", TEMPERATURES, 1.0, format_func="{:g}".format, key="fn_hot", help=help)
        st.latex(r"y_k = \frac{e^{z_k / T}}{\sum_j e^{z_j / T}}")
        st.latex(r",\; ".join(f"z_{{{k + 1}}} = {z:.2f}" for k, z in enumerate(logits[:4])))
    with right:
        plain, warm = softmax(logits[None])[0], softmax(logits[None] / t)[0]
        chart(
            softmax_bars(names, warm, plain, theme=theme()), "fn_softmax", f"Softmax probabilities at temperature {t:g}"
        )
        st.caption(
            f"The largest probability is {warm.max():.3f}; at temperature 1, as in training, it is {plain.max():.3f}."
        )
    with st.expander("Show me the source"):
        source(softmax)


def _logits() -> tuple[list[str], np.ndarray]:
    """Class names and logits: those of this network for the first point of its batch, or of three sliders."""
    header, arrays = ask("batch_outputs")
    own = header["output"] == "softmax"
    kinds = ("Three sliders", "This network") if own else ("Three sliders",)
    help = "Logits that you set or, if the output is a softmax, those of this network for a point of its batch."
    kind = st.segmented_control("Logits", kinds, default=kinds[-1], required=True, key=f"fn_logits_{own}", help=help)
    if kind == "This network":
        names = list(state.experiment().source.shown_class_names)
        return names, arrays["z"][0].astype(np.float64)
    help = "The value before softmax."
    values = [st.slider(f"Logit {n + 1}", -5.0, 5.0, EXAMPLE[n], 0.1, key=f"fn_z{n}", help=help) for n in range(3)]
    return [f"class {n + 1}" for n in range(3)], np.array(values)
