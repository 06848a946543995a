"""Diagnostics of the layers, live: distributions, table and verdict; and two small networks side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from data.counted import counted
from lab.experiment.experiment import ExperimentError
from lab.queries.health import HEALTHY_RATIO
from lab.server.trial_runs import TRIAL_EPOCHS, TRIALS, trial
from ui.figures.layer_health import ridges, update_ratios
from ui.kit.charts import charts, theme
from ui.kit.page_parts import table
from ui.playground.transport import bar
from ui.session import state

REFRESH_S = 0.5  # while the network trains
COLUMNS = ("Layer", "Output spread", "Gradient spread", "Dead", "Saturated", "Update / weight", "Verdict")
FIGURES = {"train_loss": "{:.4f}", "train_score": "{:.3f}"}
GRADIENT_SPAN = (-12.0, 2.0)  # powers of ten


def live_health() -> None:
    """The buttons that train, and the layers of the network. During training only this part is refreshed."""
    state.look_again()
    running = state.status()["status"] == "running"
    st.fragment(_live, run_every=REFRESH_S if running else None)(running)


def _live(running: bool) -> None:
    state.look_again()
    now = state.status()["status"]
    if (now == "running") != running:
        st.rerun()  # refreshing starts or stops
    bar(
        f"How much training happens between two refreshes; this page refreshes {1 / REFRESH_S:g} times a second.",
        pinned=True,
    )
    try:
        header, arrays = state.ask("health")
    except (ExperimentError, RuntimeError) as problem:
        st.warning(str(problem))
        return
    loss, score = (_or_nothing(header[name], form) or "undefined" for name, form in FIGURES.items())
    st.markdown(f"Epoch **{header['epoch']:,}**, {now}. Training loss **{loss}**, {header['score']} **{score}**.")
    st.caption(" ".join(_subsets(header)))
    st.markdown(f"**{header['flow']}**")
    _figures("health", header, arrays, ratios=True)
    _table(header["layers"])


def _subsets(header: dict[str, Any]) -> list[str]:
    """What the figures of the page were computed from, if it is not the whole training part."""
    total = header["train_samples"]
    subsets = {"Loss and score": header["train_evaluated"], "Signals and gradients": header["samples"]}
    return [f"{what}: of the first {n:,} of {total:,} training examples." for what, n in subsets.items() if n < total]


def _figures(key: str, header: dict[str, Any], arrays: dict[str, np.ndarray], ratios: bool) -> None:
    names = [layer["name"] for layer in header["layers"]]
    of_outputs = ridges(names, arrays["edges"], arrays["counts"], x="output of the neurons", theme=theme())
    shown = arrays["gradient_edges"], arrays["gradient_counts"]
    of_gradients = ridges(names, *shown, x="gradient size, power of ten", theme=theme(), span=GRADIENT_SPAN)
    figures = {
        "Outputs of each layer: their distribution, the first layer on top": of_outputs,
        "Gradients of each layer: their sizes with respect to these outputs, in powers of ten": of_gradients,
    }
    if ratios:
        values = [layer["update"] for layer in header["layers"]]
        sentence = "Updates of each layer: the length of one step of its weights as a share of their own; the healthy "
        sentence += "band is shaded"
        figures[sentence] = update_ratios(names, values, HEALTHY_RATIO, theme=theme())
    charts(key, figures)


def _table(layers: list[dict[str, Any]]) -> None:
    rows = []
    for layer in layers:
        shares = (_or_nothing(layer[name], "{:.0%}") for name in ("dead", "saturated"))
        spreads = (_or_nothing(layer["signal"], "{:.3g}"), _or_nothing(layer["gradient"], "{:.2g}"))
        rows.append((layer["name"], *spreads, *shares, _or_nothing(layer["update"], "{:.1e}"), layer["verdict"]))
    # The link is where a keyboard scrolls to if the table is wider than the screen.
    table([*COLUMNS[:-1], f"[{COLUMNS[-1]}](./help#glossary)"], rows)


def _or_nothing(value: float | None, form: str) -> str:
    """A number, or nothing if it is not defined: NaN, which a worker sends as None."""
    return "" if value is None or np.isnan(value) else form.format(value)


def side_by_side() -> None:
    """Two deep networks, trained on request: one whose gradient vanishes, and one whose gradient does not."""
    st.subheader("Two deep networks side by side")
    st.markdown(
        "Both have hidden layers of eight neurons, the same data and the same rate. Each is trained for "
        f"{TRIAL_EPOCHS} epochs; your own network does not change."
    )
    help = "Which two networks are trained."
    question = st.segmented_control("Compare", list(TRIALS), default=next(iter(TRIALS)), key="trial", help=help)
    question = question or next(iter(TRIALS))
    help = "Trains two small networks in a second or two."
    pressed = st.button("Train both", key="train_both", type="primary", help=help)
    trials = state.notes().setdefault("trials", {})
    if pressed:
        trials.pop(question, None)
        _train_both(question, trials)
    if not (found := trials.get(question)):
        return
    for column, (label, (header, arrays)) in zip(st.columns(2, gap="medium"), found.items(), strict=True):
        with column:
            st.markdown(f"##### {label}")
            st.markdown(
                f"After {counted(header['epoch'], 'epoch')}: training loss **{header['train_loss']:.4f}**, accuracy "
                f"**{header['train_score']:.1%}**. **{header['flow']}**"
            )
            _figures(f"trial_{label.split()[0]}", header, arrays, ratios=False)


def _train_both(question: str, trials: dict[str, Any]) -> None:
    """Trains both networks and adds the results to `trials`."""
    bar, found = st.progress(0.0, "Training"), {}
    try:
        for number, (label, experiment) in enumerate(TRIALS[question].items()):
            for share, answer in trial(state.runs(), experiment):
                bar.progress((number + share) / len(TRIALS[question]), f"Training: {label}")
                found[label] = answer
    except (ExperimentError, RuntimeError, KeyError) as problem:
        st.warning(f"The networks could not be trained: {problem}")
    else:
        trials[question] = found
    bar.empty()
