"""A surface with the paths of optimizers: as a map, in three dimensions, and as heights over the steps.

The player of charts.js grows the traces whose `meta` is "line" or "head", which therefore hold plain lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from ui.figures.theme import CLASS_COLORS, GRID, INK, LOG_AXIS, TEXT, Theme, layout

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid", "dot")
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "circle-open", "square-open", "diamond-open")  # all in 3-D
HEIGHTS = {"light": ("#b9c1c9", "#f6f7f8"), "dark": ("#12161a", "#4a545f")}  # low to high
LOG_MARGIN = 1e-4  # of the range of heights: how far below the lowest one a logarithm begins
HEIGHT_PX = 400


class DescentPath(NamedTuple):
    """One path: points (N, 2) and their heights (N,). style: number of its color, dash and marker."""

    label: str
    style: int
    points: np.ndarray
    heights: np.ndarray
    grows: bool = True  # with the player


def descent_map(xs: ArrayLike, ys: ArrayLike, heights: ArrayLike, paths: Sequence[DescentPath], *,
                lowest: tuple[float, float] | None = None, log: bool = False, x: str = "x", y: str = "y",
                theme: Theme = "light") -> go.Figure:  # fmt: skip
    """Contours of heights[i, j] at xs[j], ys[i], with the paths.

    xs: (W,). ys: (H,). heights: (H, W). lowest: where to mark the minimum. Raises ValueError for other shapes.
    """
    xs, ys, heights = _fitting(xs, ys, heights)
    figure = go.Figure(layout=layout(theme, x=x, y=y, height=HEIGHT_PX, meta={"click": True}))
    figure.add_contour(
        x=xs, y=ys, z=_scaled(heights, log), customdata=heights, ncontours=18, showscale=False,
        colorscale=_colors(theme), line={"width": 0.7, "color": GRID[theme] if theme == "dark" else "#8f979f"},
        hovertemplate=f"height %{{customdata:.4g}}<br>{x} %{{x:.3g}}, {y} %{{y:.3g}}<extra></extra>",
    )  # fmt: skip
    if lowest:
        star = {"symbol": "star", "size": 13, "color": INK[theme]}
        figure.add_scatter(x=lowest[:1], y=lowest[1:], mode="markers", name="minimum", marker=star)
    for path in paths:
        for part in _parts(path, path.points[:, 0], path.points[:, 1]):
            figure.add_scatter(**part, hovertemplate=f"{path.label}<br>%{{x:.3g}}, %{{y:.3g}}<extra></extra>")
    return figure.update_xaxes(range=_ends(xs)).update_yaxes(range=_ends(ys))


def descent_surface(xs: ArrayLike, ys: ArrayLike, heights: ArrayLike, paths: Sequence[DescentPath], *,
                    log: bool = False, x: str = "x", y: str = "y", theme: Theme = "light") -> go.Figure:  # fmt: skip
    """The same in three dimensions, without the parts of paths outside the map. Raises as above."""
    xs, ys, heights = _fitting(xs, ys, heights)
    shown = _scaled(heights, log)
    lift = 0.01 * float(np.ptp(shown[np.isfinite(shown)], axis=None)) if np.isfinite(shown).any() else 0.0
    axis = {"gridcolor": GRID[theme], "showbackground": False, "tickfont": {"size": 10}, "nticks": 5}
    titles = {"x": x, "y": y, "z": "log height" if log else "height"}
    scene: dict[str, Any] = {
        f"{n}axis": {**axis, "title": {"text": text, "font": {"size": 11}}} for n, text in titles.items()
    }
    scene["xaxis"]["range"], scene["yaxis"]["range"] = _ends(xs), _ends(ys)
    scene |= {"camera": {"eye": {"x": 1.15, "y": -1.37, "z": 0.93}}, "aspectratio": {"x": 1, "y": 1, "z": 0.6}}
    figure = go.Figure(layout=layout(theme, height=HEIGHT_PX, scene=scene, margin={"l": 0, "r": 0, "t": 0, "b": 0}))
    figure.add_surface(
        x=xs, y=ys, z=shown, customdata=heights, showscale=False, colorscale=_colors(theme), opacity=0.92,
        contours={"z": {"show": True, "color": "#8f979f", "width": 1}},
        hovertemplate="height %{customdata:.4g}<extra></extra>",
    )  # fmt: skip
    for path in paths:
        (px, py), h = path.points.T, _scaled(path.heights, log, heights) + lift
        inside = _inside(path, xs, ys)
        for part in _parts(path, *(np.where(inside, axis, np.nan) for axis in (px, py, h)), three=True):
            figure.add_scatter3d(**part, hovertemplate=f"{path.label}<extra></extra>")
    return figure


def descent_heights(xs: ArrayLike, ys: ArrayLike, paths: Sequence[DescentPath], *,
                    label: str = "height", log: bool = False, theme: Theme = "light") -> go.Figure:  # fmt: skip
    """The height of each path after each step, with the legend of all three figures.

    xs, ys: axes of the map. A path that leaves the map runs out of this figure as well.
    """
    seen = [path.heights[_inside(path, np.asarray(xs), np.asarray(ys))] for path in paths]
    kind = {**(LOG_AXIS if log else {}), "range": _height_range(np.concatenate([[], *seen]), log), "automargin": True}
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"color": TEXT[theme]}}
    margin = {"l": 56, "r": 8, "t": 30, "b": 36}
    more = {
        "height": 260,
        "meta": {"wide": True},
        "showlegend": True,
        "legend": legend,
        "margin": margin,
        "yaxis": kind,
    }
    figure = go.Figure(layout=layout(theme, x="step", y=label, **more))
    for path in paths:
        reached = np.where(np.abs(path.heights) < 1e9, path.heights, np.nan)
        line, head = _parts(path, np.arange(len(reached)), reached)
        hover = f"%{{y:.4g}} {path.label}<br>step %{{x}}<extra></extra>"
        figure.add_scatter(**line, legendgroup=path.label, showlegend=False, hovertemplate=hover)
        figure.add_scatter(**{**head, "mode": "lines+markers"}, legendgroup=path.label, hovertemplate=hover)
    return figure


def _inside(path: DescentPath, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """(N,) whether the points of a path are on the map."""
    x, y = path.points.T
    return (x >= xs.min()) & (x <= xs.max()) & (y >= ys.min()) & (y <= ys.max())


def _height_range(heights: np.ndarray, log: bool) -> list[float] | None:
    """From the lowest to the highest, with a margin; None if there are none."""
    known = heights[np.isfinite(heights) & ((heights > 0) | (not log))]
    if not known.size:
        return None
    low, high = np.log10([known.min(), known.max()]) if log else (known.min(), known.max())
    margin = 0.05 * (high - low) or 0.5
    return [float(low - margin), float(high + margin)]


def _ends(axis: np.ndarray) -> list[float]:
    return [float(axis.min()), float(axis.max())]


def _parts(
    path: DescentPath, x: np.ndarray, y: np.ndarray, z: np.ndarray | None = None, three: bool = False
) -> list[dict]:
    """The line of a path, and the marker at its end."""
    color, dash = CLASS_COLORS[path.style % len(CLASS_COLORS)], DASHES[path.style % len(DASHES)]
    line = {"color": color, "dash": dash, "width": 5 if three else 2.5}
    marker: dict[str, Any] = {"color": color, "symbol": SYMBOLS[path.style % len(SYMBOLS)], "size": 6 if three else 10}
    if not three:
        marker["line"] = {"color": color, "width": 2}
    axes = {"x": x, "y": y} if z is None else {"x": x, "y": y, "z": z}
    whole = {name: _plain(values) for name, values in axes.items()}
    last = {name: values[_last(y if z is None else z)][None] for name, values in axes.items()} if len(x) else whole
    head = {**whole, **{name: _plain(value) for name, value in last.items()}}
    grows = lambda part: {"meta": part} if path.grows else {}  # noqa: E731
    return [
        {**whole, "name": path.label, "mode": "lines", "line": line, **grows("line")},
        {**head, "name": path.label, "mode": "markers", "line": line, "marker": marker, **grows("head")},
    ]


def _last(values: np.ndarray) -> int:
    """Index of the last finite value."""
    there = np.flatnonzero(np.isfinite(values))
    return int(there[-1]) if len(there) else 0


def _plain(values: Any) -> list[float | None]:
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in np.asarray(values, float)]


def _fitting(xs: ArrayLike, ys: ArrayLike, heights: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    xs, ys, heights = (np.asarray(array, float) for array in (xs, ys, heights))
    if heights.shape != (len(ys), len(xs)):
        raise ValueError(f"heights must be (len(ys), len(xs)) = ({len(ys)}, {len(xs)}); they are {heights.shape}.")
    return xs, ys, heights


def _scaled(values: np.ndarray, log: bool, grid: np.ndarray | None = None) -> np.ndarray:
    """Heights as they are drawn; a logarithm begins slightly below the lowest point of the map."""
    if not log:
        return values
    grid = values if grid is None else grid
    known = grid[np.isfinite(grid)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    return np.log10(np.maximum(values - low, 0) + LOG_MARGIN * (high - low or 1.0))


def _colors(theme: Theme) -> list[tuple[float, str]]:
    low, high = HEIGHTS[theme]
    return [(0.0, low), (1.0, high)]
