"""The race of the optimisers on a classic surface: its controls, its pictures and who came how far."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from engine import OPTIMIZERS
from lab.race.race import RATES, Race, best_rates, race
from lab.race.surfaces import SURFACES, Surface
from ui.figures import Way, descent_heights, descent_map, descent_surface
from ui.kit.charts import charts, theme
from ui.kit.widgets import labels

SIDE = 81  # points along an edge of a map
STYLES = {name: number for number, name in enumerate(OPTIMIZERS)}  # an optimiser looks the same on every picture
KEPT: dict[str, Any] = {"persist_state": "session"}  # a choice outlives a visit to another page


@st.fragment
def race_on_surface() -> None:
    """Choose a surface and who runs; watch them."""
    left, right = st.columns([1, 3], gap="medium")
    with left:
        name = st.selectbox(
            "Surface",
            list(SURFACES),
            format_func=labels(SURFACES),
            key="race_surface",
            help="Five classics on which optimisers show their strengths and weaknesses.",
            **KEPT,
        )
        surface = SURFACES[name or "bowl"]
        st.latex(surface.formula)
        st.caption(surface.sentence)
        names = racers("race")
        fair = st.toggle(
            "Each at its own best rate",
            key="race_fair",
            **KEPT,
            help="Tries ten rates for each; takes the one with which it ends lowest.",
        )
        rate = rate_slider(f"race_rate_{surface.name}", surface.rate, disabled=fair)
        steps = steps_slider("race_steps", 100)
        start = _start_sliders(surface)
        log, three = view_toggles("race", log=surface.name in ("rosenbrock", "beale"), also=surface.name)
    with right:
        if not names:
            st.info("Choose at least one optimiser.")
            return
        rates = _best(surface.name, tuple(names), start, steps) if fair else (rate,) * len(names)
        ran = race(surface.slopes, names, start, rates, steps)
        xs, ys, heights = surface.grid(SIDE)
        pictures(
            "race",
            xs,
            ys,
            heights,
            ran,
            log=log,
            three=three,
            lowest=surface.lowest,
            on_click=lambda x, y: _begin_at(surface, x, y),
        )
        results(ran, surface.lowest)


# Controls that a race on the loss of the network has as well ---------------------------------------------------------


def racers(key: str) -> list[str]:
    """Who runs, in the order of the table."""
    chosen = st.pills(
        "Optimizers in the race",
        list(OPTIMIZERS),
        selection_mode="multi",
        default=list(OPTIMIZERS),
        wrap=True,
        format_func=labels(OPTIMIZERS),
        key=f"{key}_names",
        **KEPT,
        help="All start at the same point; each is the engine's own optimiser, with two parameters.",
    )
    return [name for name in OPTIMIZERS if name in chosen]


def rate_slider(key: str, default: float, disabled: bool = False) -> float:
    return st.select_slider(
        "Rate of the race",
        RATES,
        default,
        format_func="{:g}".format,
        key=key,
        disabled=disabled,
        help="The learning rate of all racers. Your network keeps its own.",
        **KEPT,
    )


def steps_slider(key: str, default: int) -> int:
    return st.slider("Steps", 10, 500, default, 10, key=key, help="How many steps each of them takes.", **KEPT)


def view_toggles(key: str, log: bool, also: str = "") -> tuple[bool, bool]:
    """Whether heights are logarithmic, and whether the surface is drawn."""
    logarithmic = st.toggle(
        "Logarithmic heights",
        log,
        key=f"{key}_log_{also}",
        **KEPT,
        help="Shows small differences at the bottom beside the high walls.",
    )
    three = st.toggle("3-D surface", True, key=f"{key}_three", help="Drag it to turn it.", **KEPT)
    return logarithmic, three


def start_slider(axis: str, key: str, span: tuple[float, float], default: float, step: float) -> float:
    """Where all begin, along one axis. A click on the map writes to the same key."""
    st.session_state.setdefault(key, default)
    help = f"Where all begin; a click on the map sets it, too. From {span[0]:g} to {span[1]:g}."
    return st.slider(f"Start {axis}", *span, step=step, key=key, help=help, **KEPT)


def _start_sliders(surface: Surface) -> tuple[float, float]:
    spans = zip("xy", (surface.x_range, surface.y_range), surface.start, strict=True)
    x, y = (start_slider(axis, _start_key(surface, axis), span, at, 0.01) for axis, span, at in spans)
    return x, y


def _start_key(surface: Surface, axis: str) -> str:
    return f"race_{axis}_{surface.name}"


def _begin_at(surface: Surface, x: float, y: float) -> None:
    for axis, value, span in zip("xy", (x, y), (surface.x_range, surface.y_range), strict=True):
        st.session_state[_start_key(surface, axis)] = round(float(np.clip(value, *span)), 2)


@st.cache_data(max_entries=200, show_spinner="Trying ten rates for each")
def _best(surface: str, names: tuple[str, ...], start: tuple[float, float], steps: int) -> tuple[float, ...]:
    return best_rates(SURFACES[surface].slopes, names, start, steps)


# Pictures ------------------------------------------------------------------------------------------------------------


def pictures(
    key: str,
    xs: np.ndarray,
    ys: np.ndarray,
    heights: np.ndarray,
    ran: Race,
    *,
    log: bool,
    three: bool,
    lowest: tuple[float, float] | None = None,
    x: str = "x",
    y: str = "y",
    height: str = "height",
    before: tuple[Way, ...] = (),
    on_click: Any = None,
) -> None:
    """Map, surface and heights over the steps. before: paths that are there beside the racers'."""
    ways = [
        Way(OPTIMIZERS[name].label, STYLES[name], points, h)
        for name, points, h in zip(ran.names, ran.points, ran.heights, strict=True)
    ]
    look: dict[str, Any] = {"log": log, "x": x, "y": y, "theme": theme()}
    figures = {
        "Map from above, with the path of each optimiser": descent_map(
            xs, ys, heights, [*before, *ways], lowest=lowest, **look
        )
    }
    if three:
        figures["The same as a surface in three dimensions"] = descent_surface(
            xs, ys, heights, [*before, *ways], **look
        )
    falling = descent_heights(ways, label=height, log=log and bool(np.nanmin(ran.heights) > 0), theme=theme())
    figures[f"The {height} under each optimiser after each step; the legend of all pictures"] = falling
    charts(key, figures, steps=ran.steps, on_click=on_click)


def results(ran: Race, lowest: tuple[float, float] | None = None, height: str = "height") -> None:
    """Who is how low, the lowest first, and a sentence on the best."""
    last = ran.heights[:, -1]
    order = np.argsort(np.where(np.isfinite(last), last, np.inf))
    head = ["Optimizer", "Rate", f"Last {height}", *(["To the minimum"] if lowest else [])]
    rows = [head, ["---"] * len(head)]
    for number in order:
        there, label = np.isfinite(last[number]), OPTIMIZERS[ran.names[number]].label
        row = [label, f"{ran.rates[number]:g}", f"{last[number]:.4g}" if there else "ran off"]
        if lowest:
            way = np.hypot(*(ran.points[number, -1] - lowest))
            row.append(f"{way:.3g}" if there else "far away")
        rows.append(row)
    best = order[0]
    sentence = (
        f"After {ran.steps} steps **{OPTIMIZERS[ran.names[best]].label}** is lowest."
        if np.isfinite(last[best])
        else "All have run off: the rate is too high for this place."
    )
    st.markdown(sentence + "\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows))


def formulas() -> None:
    """What each optimiser computes."""
    with st.expander("How each of them moves"):
        st.markdown(r"$p$: a parameter, $g$: its gradient, $\eta$: the rate; all else is memory of earlier steps.")
        for optimizer in OPTIMIZERS.values():
            st.markdown(f"**{optimizer.label}.** {optimizer.sentence}")
            st.latex(optimizer.formula)
