"""What the race on a surface and the race on the network's own loss have in common: controls, charts, results."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from data.counted import counted, tied
from engine import OPTIMIZERS
from lab.race.optimizer_race import RATES, Race
from ui.figures.descent import DescentPath, descent_heights, descent_map, descent_surface
from ui.kit.charts import charts, theme
from ui.kit.page_parts import table
from ui.kit.widgets import labels

STYLES = {name: number for number, name in enumerate(OPTIMIZERS)}  # an optimizer looks the same in every chart
REMEMBERED: dict[str, Any] = {"persist_state": "session"}  # the widget keeps its value while another page is open

# Controls ------------------------------------------------------------------------------------------------------------


def optimizer_pills(key: str) -> list[str]:
    """The chosen optimizers, in the order of the table."""
    chosen = st.pills(
        "Optimizers in the race",
        list(OPTIMIZERS),
        selection_mode="multi",
        default=list(OPTIMIZERS),
        wrap=True,
        format_func=labels(OPTIMIZERS),
        key=f"{key}_names",
        **REMEMBERED,
        help="All start at the same point. Each is the engine's own optimizer, with two parameters.",
    )
    return [name for name in OPTIMIZERS if name in chosen]


def rate_slider(key: str, default: float, disabled: bool = False) -> float:
    return st.select_slider(
        "Learning rate",
        RATES,
        default,
        format_func="{:g}".format,
        key=key,
        disabled=disabled,
        help="The learning rate of all optimizers in the race. Your network keeps its own.",
        **REMEMBERED,
    )


def steps_slider(key: str, default: int) -> int:
    return st.slider("Steps", 10, 500, default, 10, key=key, help="How many steps each optimizer takes.", **REMEMBERED)


def view_toggles(key: str, log: bool, also: str = "") -> tuple[bool, bool]:
    """Whether heights are logarithmic, and whether the surface is drawn in three dimensions."""
    logarithmic = st.toggle(
        "Logarithmic heights",
        log,
        key=f"{key}_log_{also}",
        **REMEMBERED,
        help="Shows small differences near the minimum next to much larger heights.",
    )
    three = st.toggle(
        "3-D surface",
        True,
        key=f"{key}_three",
        help="Drag it to rotate it; on a touch screen with two fingers.",
        **REMEMBERED,
    )
    return logarithmic, three


def start_slider(axis: str, key: str, span: tuple[float, float], default: float, step: float) -> float:
    """The starting point of all optimizers along one axis. A click on the map writes to the same key."""
    st.session_state.setdefault(key, default)
    help = f"Where all optimizers start, from {span[0]:g} to {span[1]:g}. You can also click on the map."
    return st.slider(f"Start {axis}", *span, step=step, key=key, help=help, **REMEMBERED)


# Charts and results --------------------------------------------------------------------------------------------------


def race_charts(
    key: str,
    xs: np.ndarray,
    ys: np.ndarray,
    heights: np.ndarray,
    race: Race,
    *,
    log: bool,
    three: bool,
    lowest: tuple[float, float] | None = None,
    x: str = "x",
    y: str = "y",
    height: str = "height",
    before: tuple[DescentPath, ...] = (),
    on_click: Any = None,
) -> None:
    """Map, surface, and heights over the steps. before: paths that are drawn below those of the optimizers."""
    paths = [
        DescentPath(OPTIMIZERS[name].label, STYLES[name], points, h)
        for name, points, h in zip(race.names, race.points, race.heights, strict=True)
    ]
    look: dict[str, Any] = {"log": log, "x": x, "y": y, "theme": theme()}
    figures = {
        "Map from above, with the path of each optimizer": descent_map(
            xs, ys, heights, [*before, *paths], lowest=lowest, **look
        )
    }
    if three:
        figures["The same surface in three dimensions"] = descent_surface(xs, ys, heights, [*before, *paths], **look)
    log_heights = log and bool(np.nanmin(race.heights) > 0)
    over_steps = descent_heights(xs, ys, paths, label=height, log=log_heights, theme=theme())
    figures[f"{height.capitalize()} after each step, of each optimizer, with the legend of all charts"] = over_steps
    charts(key, figures, steps=race.steps, on_click=on_click)


def verdict(race: Race) -> str:
    """Which optimizer is lowest, or why none is, in one sentence."""
    last = np.where(np.isfinite(race.heights[:, -1]), race.heights[:, -1], np.inf)
    if last.min() < np.inf:
        label = OPTIMIZERS[race.names[last.argmin()]].label
        return f"After {counted(race.steps, 'step')} **{label}** is lowest{tied(last, last.min(), 'optimizer')}."
    if not np.isfinite(race.heights[:, 0]).any():
        return "The height at the start is too large for a number: choose another start."
    return "All optimizers have diverged: the learning rate is too high here."


def race_results(race: Race, lowest: tuple[float, float] | None = None, height: str = "height") -> None:
    """A sentence about the best optimizer, and a table of all, the lowest first."""
    last = race.heights[:, -1]
    order = np.argsort(np.where(np.isfinite(last), last, np.inf))
    head = ["Optimizer", "Learning rate", f"Final {height}", *(["Distance to the minimum"] if lowest else [])]
    rows = []
    for number in order:
        converged, label = np.isfinite(last[number]), OPTIMIZERS[race.names[number]].label
        row = [label, f"{race.rates[number]:g}", f"{last[number]:.4g}" if converged else "diverged"]
        if lowest:
            distance = np.hypot(*(race.points[number, -1] - lowest))
            row.append(f"{distance:.3g}" if converged else "diverged")
        rows.append(row)
    st.markdown(verdict(race))
    table(head, rows)


def formulas() -> None:
    """What each optimizer computes."""
    with st.expander("Formulas of the optimizers"):
        st.markdown(
            r"$p$: a parameter, $g$: its gradient, $\eta$: the learning rate. All other symbols remember earlier steps."
        )
        for optimizer in OPTIMIZERS.values():
            st.markdown(f"**{optimizer.label}.** {optimizer.sentence}")
            st.latex(optimizer.formula)
