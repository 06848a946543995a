"""The learning-rate range test of the visitor's network."""

from __future__ import annotations

import streamlit as st

from data.counted import counted
from engine import OPTIMIZERS
from engine.training.rate_finder import MIN_FALL
from lab.experiment.experiment import ExperimentError
from ui.figures.rate_curve import rate_curve
from ui.kit.charts import charts, theme
from ui.kit.validation_proposal import propose_validation
from ui.kit.widgets import obeying
from ui.session import state

WEIGHTS = {"Initial weights": True, "Current weights": False}  # -> whether the test is from the start


def find_rate() -> None:
    """The test, its curve, and a button that applies its suggestion."""
    e = state.experiment()
    st.markdown(
        "The network trains on one batch after another, each with a slightly higher learning rate, and the loss is "
        "measured after each. First it hardly changes, then it falls, then it explodes. One tenth of the rate with the "
        "lowest loss is fast and safe. Afterwards your network is restored exactly. (Smith 2017.)"
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        kinds = list(WEIGHTS)
        help = "Training began with the initial weights. A trained network may have nothing left to learn."
        st.segmented_control("Begin with", kinds, default=kinds[0], required=True, key="rate_from", help=help)
        help = "Tries up to 100 learning rates from 0.00001 to 10."
        st.button("Test the rates", key="rate_test", type="primary", on_click=_test, help=help)
        found = state.recall("rate_test")
        suggestion = found[0]["suggestion"] if found else None
        if suggestion:
            options = obeying("Sets the learning rate of your network without a reset.", learning_rate=suggestion)
            st.button(f"Use this rate: {suggestion:g}", key="use_rate", on_click=_use, args=(suggestion,), **options)
    if not found:
        st.info("Press **Test the rates**.")
        return
    header, arrays = found
    if problem := header.get("problem"):
        st.warning(problem)
        return
    part, optimizer = header["part"].replace("train", "training"), OPTIMIZERS[header["optimizer"]].label
    tested = f"after {counted(header['epoch'], 'epoch')}" if header["epoch"] else "from the initial weights"
    where = f"Tested {tested} with {optimizer}, by the loss of {header['samples']:,} {part} "
    where += "examples."
    if suggestion:
        st.markdown(f"{where} Suggestion: **{suggestion:g}**. Your rate is **{e.learning_rate:g}**.")
    else:
        st.markdown(
            f"{where} No rate lowered the loss by more than {MIN_FALL:.0%}, so there is no suggestion: the network may "
            "already be trained, or be stuck."
        )
    figure = rate_curve(
        arrays["rates"], arrays["losses"], current=e.learning_rate, suggestion=suggestion, theme=theme()
    )
    charts("rates", {f"Loss of the {part} part after the step with each learning rate": figure})
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        propose_validation("The test of rates looks at the training part now.")


def _test() -> None:
    from_start = WEIGHTS[st.session_state["rate_from"]]
    try:
        state.remember("rate_test", state.ask("rate_test", from_start=from_start))
    except (ExperimentError, RuntimeError) as problem:
        state.remember("rate_test", ({"problem": str(problem), "suggestion": None}, {}))


def _use(rate: float) -> None:
    state.change(learning_rate=rate)
