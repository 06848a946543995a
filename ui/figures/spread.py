"""Many runs in one chart: bands over the epochs, and the result over the values of a setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from ui.figures.learning_curve import name_lines
from ui.figures.theme import INK, QUIET, TEST_CURVE, TEST_WIDTH, TRAIN_WIDTH, VALIDATION_CURVE, Theme, layout, loss_axis

FAINT, FAINTER = 0.3, 0.12  # opacity of the band of the quartiles, and of that of the whole range
ABOVE_PX = 22  # for a word above the chart


def bands(
    spreads: Mapping[str, Any], *, label: str, part: str, theme: Theme = "light", first_epoch: int = 0
) -> go.Figure:
    """Median, quartiles and range over the epochs of each named group of runs.

    spreads: name -> five series (epochs + 1,): lowest, first quartile, median, third quartile, highest. part: whose
    color is used; the first of several groups is drawn in gray.
    """
    axis = loss_axis(np.concatenate([*spreads.values()])) if "loss" in label else {"rangemode": "tozero"}
    figure = go.Figure(layout=layout(theme, x="epoch", y=label, height=340, yaxis=axis))
    color = (VALIDATION_CURVE if part == "validation" else TEST_CURVE)[theme]
    medians, colors = {}, {}
    for number, (name, series) in enumerate(spreads.items()):
        own = QUIET[theme] if number == 0 and len(spreads) > 1 else color
        low, q1, median, q3, high = (np.where(np.isfinite(values), values, np.nan) for values in series)
        epochs = first_epoch + np.arange(len(median))
        medians[name], colors[name] = median, own
        for lower, upper, opacity in ((low, high, FAINTER), (q1, q3, FAINT)):
            band(figure, epochs, lower, upper, own, opacity)
        figure.add_scatter(
            x=epochs, y=median, name=name, mode="lines",
            line={"color": own, "width": TEST_WIDTH if own == color else TRAIN_WIDTH},
            hovertemplate=f"median {label} %{{y:.4f}}<br>epoch %{{x}}<extra>{name}</extra>",
        )  # fmt: skip
    if len(medians) > 1:
        name_lines(figure, medians, colors, label, axis.get("type") == "log")
    return figure


def two_runs(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]], first_epoch: int, *, label: str, part: str,
    theme: Theme = "light",
) -> go.Figure:  # fmt: skip
    """Two runs: the first in gray, the second in color; up to `first_epoch` they are one.

    curves: name -> epochs and values (n,).
    """
    axis = loss_axis(np.concatenate([values for _, values in curves.values()])) if "loss" in label else {}
    figure = go.Figure(layout=layout(theme, x="epoch", y=label, height=300, yaxis=axis))
    colors = QUIET[theme], (VALIDATION_CURVE if part == "validation" else TEST_CURVE)[theme]
    for own, width, (name, (epochs, values)) in zip(colors, (TRAIN_WIDTH, TEST_WIDTH), curves.items(), strict=True):
        after = epochs >= first_epoch
        figure.add_scatter(
            x=epochs[after], y=values[after], name=name, mode="lines", line={"color": own, "width": width},
            hovertemplate=f"{label} %{{y:.4f}}<br>epoch %{{x}}<extra>{name}</extra>",
        )  # fmt: skip
    if first_epoch:
        before = epochs <= first_epoch
        figure.add_scatter(
            x=epochs[before], y=values[before], name="before", mode="lines",
            line={"color": INK[theme], "width": TRAIN_WIDTH},
            hovertemplate=f"{label} %{{y:.4f}}<br>epoch %{{x}}<extra>before</extra>",
        )  # fmt: skip
        figure.add_vline(x=first_epoch, line={"color": INK[theme], "width": 1, "dash": "dot"})
        figure.add_annotation(x=first_epoch, y=1, yref="paper", xanchor="left", yanchor="top", text="fork", xshift=3,
                              showarrow=False)  # fmt: skip
    lines = {name: values for name, (_, values) in curves.items()}
    name_lines(figure, lines, dict(zip(lines, colors, strict=True)), label, axis.get("type") == "log")
    return figure


def band(figure: go.Figure, x: np.ndarray, lower: np.ndarray, upper: np.ndarray, color: str, opacity: float) -> None:
    known = np.isfinite(lower) & np.isfinite(upper)
    line = {"width": 0}
    hidden = {"mode": "lines", "line": line, "hoverinfo": "skip", "showlegend": False}
    figure.add_scatter(x=x[known], y=lower[known], **hidden)
    red, green, blue = (int(color[k : k + 2], 16) for k in (1, 3, 5))
    fill = f"rgba({red},{green},{blue},{opacity})"
    figure.add_scatter(x=x[known], y=upper[known], fill="tonexty", fillcolor=fill, **hidden)


def response(names: Sequence[str], quartiles: np.ndarray, diverged: Sequence[int], runs: Sequence[int], *, label: str,
             part: str, present: int | None, is_ordered: bool, theme: Theme = "light") -> go.Figure:  # fmt: skip
    """The result after training for each value of a setting.

    names: of the values; quartiles: (3, values) with infinity where runs diverged; diverged, runs: numbers for each
    value; present: the place of the value that the experiment has. A click on a mark has the place as customdata.
    """
    color = (VALIDATION_CURVE if part == "validation" else TEST_CURVE)[theme]
    q1, median, q3 = (np.where(np.isfinite(values), values, np.nan) for values in quartiles)
    places = np.arange(len(names))
    axis = {"tickmode": "array", "tickvals": places, "ticktext": list(names), "range": [-0.5, len(names) - 0.5]}
    is_line_of_losses = is_ordered and "loss" in label  # bars begin at 0
    y_axis = loss_axis(quartiles) if is_line_of_losses else {"rangemode": "tozero"}
    figure = go.Figure(layout=layout(theme, y=label, xaxis=axis, height=340, yaxis=y_axis))
    hover = [f"{name}<br>{label} {m:.4f} ({a:.4f} to {b:.4f})<br>{d} of {n} runs diverged"
             for name, a, m, b, d, n in zip(names, q1, median, q3, diverged, runs, strict=True)]  # fmt: skip
    shared = {"x": places, "y": median, "customdata": places, "text": hover, "hovertemplate": "%{text}<extra></extra>"}
    if is_ordered:
        band(figure, places, q1, q3, color, FAINT)
        figure.add_scatter(**shared, mode="lines+markers", name="median", line={"color": color, "width": TEST_WIDTH},
                           marker={"size": 9})  # fmt: skip
    else:
        reach = {"type": "data", "symmetric": False, "array": q3 - median, "arrayminus": median - q1}
        figure.add_bar(**shared, name="median", marker={"color": color}, error_y=reach, textposition="none")
    for place in places[np.asarray(diverged) > 0]:
        words = f"{diverged[place]} of {runs[place]} diverged"
        figure.add_annotation(x=place, y=1, yref="paper", yanchor="top", text=words, textangle=-90, showarrow=False,
                              font={"size": 11, "color": INK[theme]})  # fmt: skip
        figure.add_vrect(x0=place - 0.5, x1=place + 0.5, fillcolor=QUIET[theme], opacity=0.18, line_width=0)
    if present is not None:
        figure.add_vline(x=present, line={"color": INK[theme], "width": 1.5, "dash": "dot"})
        figure.add_annotation(x=present, y=1, yref="paper", yanchor="bottom", text="yours", showarrow=False)
        figure.update_layout(margin_t=ABOVE_PX)
    return figure
