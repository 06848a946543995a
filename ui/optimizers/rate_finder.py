"""The learning-rate range test of the visitor's network, and its suggestion."""

from __future__ import annotations

import streamlit as st

from engine import OPTIMIZERS
from lab.experiment.experiment import ExperimentError
from ui.figures import rate_curve
from ui.kit.charts import charts, theme
from ui.session import state


def rate_finder() -> None:
    """Test, curve, suggestion, and a button that takes it."""
    e = state.experiment()
    st.markdown(
        "One batch after the other is learnt, each with a rate a little higher than the last, and the loss is measured "
        "after each. First nothing moves, then the loss falls, then it explodes. A tenth of the rate where it was "
        "lowest is fast and safe. Your network is put back exactly as it was. (Smith 2017.)"
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        help = "Tries up to 100 rates from 0.00001 to 10 on the weights of now."
        st.button("Test the rates", key="rate_test", type="primary", on_click=_test, help=help)
        found = state.notes().get("rate_test")
        suggestion = found[0]["suggestion"] if found else None
        if suggestion:
            help = "Sets the learning rate of your network; nothing is reset."
            st.button(f"Use this rate: {suggestion:g}", key="use_rate", on_click=_use, args=(suggestion,), help=help)
    if not found:
        st.info("Press **Test the rates**.")
        return
    header, arrays = found
    if problem := header.get("problem"):
        st.warning(problem)
        return
    where = f"Tested after {header['epoch']:,} epochs with {OPTIMIZERS[header['optimizer']].label}."
    if suggestion:
        st.markdown(f"{where} Suggestion: **{suggestion:g}**. Your rate is **{e.learning_rate:g}**.")
    else:
        st.markdown(f"{where} No rate made the loss lower: the network may have learnt all it can, or be stuck.")
    figure = rate_curve(
        arrays["rates"], arrays["losses"], current=e.learning_rate, suggestion=suggestion, theme=theme()
    )
    charts("rates", {"Loss after the step with each learning rate": figure})


def _test() -> None:
    try:
        state.notes()["rate_test"] = state.ask("rate_test")
    except (ExperimentError, RuntimeError) as problem:
        state.notes()["rate_test"] = {"problem": str(problem), "suggestion": None}, {}


def _use(rate: float) -> None:
    state.change(learning_rate=rate)
