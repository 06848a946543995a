"""The race of the optimizers on a test surface."""

from __future__ import annotations

import numpy as np
import streamlit as st

from lab.race.optimizer_race import best_rates, race
from lab.race.surfaces import SURFACES, Surface
from ui.kit.widgets import labels
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

GRID_POINTS = 81  # along each edge of the map


@st.fragment
def race_on_surface() -> None:
    """Controls on the left, the race on the right."""
    left, right = st.columns([1, 3], gap="medium")
    with left:
        name = st.selectbox(
            "Surface",
            list(SURFACES),
            format_func=labels(SURFACES),
            key="race_surface",
            help="Five test functions that show the strengths and weaknesses of optimizers.",
            **REMEMBERED,
        )
        surface = SURFACES[name or "bowl"]
        st.latex(surface.formula)
        st.caption(surface.sentence)
        names = optimizer_pills("race")
        fair = st.toggle(
            "Each at its own best rate",
            key="race_fair",
            **REMEMBERED,
            help="Tries ten learning rates for each optimizer and takes the one with the lowest final height.",
        )
        rate = rate_slider(f"race_rate_{surface.name}", surface.rate, disabled=fair)
        steps = steps_slider("race_steps", 100)
        start = _start_sliders(surface)
        log, three = view_toggles("race", log=surface.name in ("rosenbrock", "beale"), also=surface.name)
    with right:
        if not names:
            st.info("Choose at least one optimizer.")
            return
        rates = _best_rates(surface.name, tuple(names), start, steps) if fair else (rate,) * len(names)
        finished = race(surface.slopes, names, start, rates, steps)
        xs, ys, heights = surface.grid(GRID_POINTS)
        race_charts(
            "race",
            xs,
            ys,
            heights,
            finished,
            log=log,
            three=three,
            lowest=surface.lowest,
            on_click=lambda x, y: _set_start(surface, x, y),
        )
        race_results(finished, surface.lowest)


def _start_sliders(surface: Surface) -> tuple[float, float]:
    spans = zip("xy", (surface.x_range, surface.y_range), surface.start, strict=True)
    x, y = (start_slider(axis, _start_key(surface, axis), span, at, 0.01) for axis, span, at in spans)
    return x, y


def _start_key(surface: Surface, axis: str) -> str:
    return f"race_{axis}_{surface.name}"


def _set_start(surface: Surface, x: float, y: float) -> None:
    for axis, value, span in zip("xy", (x, y), (surface.x_range, surface.y_range), strict=True):
        st.session_state[_start_key(surface, axis)] = round(float(np.clip(value, *span)), 2)


@st.cache_data(max_entries=200, show_spinner="Trying ten learning rates for each optimizer")
def _best_rates(surface: str, names: tuple[str, ...], start: tuple[float, float], steps: int) -> tuple[float, ...]:
    return best_rates(SURFACES[surface].slopes, names, start, steps)
