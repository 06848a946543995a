"""The gradient check, and a well-known bug that makes it fail."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from data.counted import counted
from engine import ACTIVATIONS
from engine.network.layers import Dense
from lab.experiment.architecture import architecture_of
from lab.queries.gradient_check import MAX_PARAMETERS, WrongAxis
from ui.figures.gradient_agreement import agreement, error_over_epsilon
from ui.kit.charts import chart, theme
from ui.kit.page_parts import ask, source
from ui.session import state

TOLERANCE = 1e-3  # relative; rounding stays far below, a bug far above
PARAMETERS = {"W": "weights", "b": "biases", "gamma": "scales", "beta": "shifts"}


def check() -> None:
    """The gradient check of the visitor's network."""
    state.look_again()
    left, right = st.columns([1, 2], gap="large")
    with left:
        bug = _choose_bug()
    header, arrays = ask("gradient_check", bug=bug)
    wrong = arrays["error"] > TOLERANCE
    with left:
        _verdict(header, arrays, wrong, bug)
    with right:
        labels = [f"{layer}, {PARAMETERS.get(name, name)}" for layer, name in header["groups"]]
        names = [labels[group] for group in arrays["group"]]
        figure = agreement(arrays["numeric"], arrays["analytic"], wrong, names, theme=theme())
        chart(figure, "check_agreement", "Gradient by backpropagation over the measured one, one mark per parameter")
        st.caption(
            f"All {header['parameters']} parameters, mean loss of {counted(header['points'], 'training point')}, "
            f"float64, epsilon {header['epsilon']:g}. On the dotted line both are equal."
        )
        _groups(labels, arrays, wrong)
    _epsilons(bug)
    with st.expander("Show me the source"):
        source(Dense.backward)
        source(WrongAxis)


def _choose_bug() -> int:
    """The number of the dense layer with the bug, or -1."""
    blocks = architecture_of(state.experiment()).dense
    help = "Sums the bias gradient over samples and neurons alike, as four of five tutorials did. Only on this page."
    planted = st.toggle("Plant the bug", key="check_bug", help=help)
    help = "The layer in which the bug is planted."
    options = {"key": f"check_layer_{len(blocks)}", "help": help, "disabled": not planted}
    layer = st.selectbox("In", range(len(blocks)), format_func=lambda n: blocks[n].title, **options)
    return (layer or 0) if planted else -1


def _verdict(header: Mapping, arrays: Mapping[str, np.ndarray], wrong: np.ndarray, bug: int) -> None:
    if not header["own"]:
        st.caption(
            f"Your network has more than {MAX_PARAMETERS} parameters: measuring each would take too long. "
            "A small network with the same formulas is checked instead."
        )
    if not wrong.any():
        st.success(f"Every gradient is right: the largest relative error is {arrays['error'].max():.1e}.")
        if bug >= 0:
            st.caption("This layer has one neuron, so the sum over its neurons is correct.")
        return
    found = [tuple(header["groups"][group]) for group in np.unique(arrays["group"][wrong])]
    where = ", ".join(f"the {PARAMETERS.get(name, name)} of {layer[0].lower()}{layer[1:]}" for layer, name in found)
    st.error(
        f"The gradient is wrong for {where}: {wrong.sum()} of {wrong.size} parameters disagree, by up to "
        f"{arrays['error'].max():.0%}. Everything else agrees."
    )
    names = dict.fromkeys(header["activations"])
    if borrowed := [ACTIVATIONS[name].label for name in names if ACTIVATIONS[name].surrogate]:
        st.caption(
            f"{', '.join(borrowed)} uses a surrogate slope, so the gradients of the layers before it must disagree."
        )
    elif bug < 0:
        st.caption("At the corner of a function, a central difference measures the mean of both slopes.")


def _groups(labels: list[str], arrays: Mapping[str, np.ndarray], wrong: np.ndarray) -> None:
    rows = [arrays["group"] == number for number in range(len(labels))]
    st.table(
        pd.DataFrame(
            {
                "parameters": labels,
                "checked": [f"{row.sum()}" for row in rows],
                "largest error": [f"{arrays['error'][row].max():.1e}" for row in rows],
                "verdict": ["wrong" if wrong[row].any() else "right" for row in rows],
            }
        ),
        hide_index=True,
    )


def _epsilons(bug: int) -> None:
    st.markdown("##### How far should a parameter be moved?")
    errors, epsilons = {}, np.zeros(0)
    for dtype in ("float32", "float64"):
        _, arrays = ask("gradient_sweep", bug=bug, dtype=dtype)
        errors[dtype], epsilons = arrays["error"], arrays["epsilon"]
    figure = error_over_epsilon(epsilons, errors, theme=theme())
    chart(figure, "check_valley", "Largest relative error over epsilon, two precisions")
    best = {name: float(values.min()) for name, values in errors.items()}
    st.caption(
        "With a large epsilon the curvature of the loss adds an error, with a small one rounding does. The lowest "
        f"error is {best['float32']:.0e} with 32 bits, {best['float64']:.0e} with 64. With a bug it stays large."
    )
