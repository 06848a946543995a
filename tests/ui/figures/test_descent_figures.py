"""The figures of the pages Optimizers and Health: values at their places, distinguishable without color."""

from __future__ import annotations

import numpy as np
import pytest

from engine import OPTIMIZERS
from ui.figures.descent import DASHES, SYMBOLS, DescentPath, descent_heights, descent_map, descent_surface
from ui.figures.layer_health import ridges, update_ratios
from ui.figures.rate_curve import rate_curve
from ui.figures.theme import CLASS_COLORS

XS, YS = np.array([0.0, 1.0, 2.0]), np.array([-1.0, 1.0])
HEIGHTS = np.array([[0.0, 1.0, 4.0], [9.0, 10.0, 13.0]])
DIVERGED = DescentPath("SGD", 0, np.array([(0.0, 1.0), (1.0, 0.5), (np.nan, np.nan)]), np.array([9.0, 2.0, np.nan]))
OUTSIDE = DescentPath("Adam", 5, np.array([(0.0, 1.0), (7.0, 0.5)]), np.array([9.0, 1.0]))


def traces(figure, meta):
    return [trace for trace in figure.data if trace.meta == meta]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_map_shows_each_height_at_its_place_and_asks_for_clicks(theme):
    figure = descent_map(XS, YS, HEIGHTS, [DIVERGED, OUTSIDE], lowest=(0.5, 0.5), theme=theme)
    contour, star = figure.data[:2]
    assert contour.z[1, 0] == 9
    assert (contour.x[0], contour.y[1]) == (0, 1)
    assert (star.x[0], star.y[0]) == (0.5, 0.5)
    assert figure.layout.meta == {"click": True}
    assert list(figure.layout.xaxis.range) == [0, 2]


def test_a_path_ends_at_its_last_finite_value():
    figure = descent_map(XS, YS, HEIGHTS, [DIVERGED, OUTSIDE, OUTSIDE._replace(grows=False)])
    line, head = traces(figure, "line")[0], traces(figure, "head")[0]
    assert line.x == (0, 1, None)
    assert (head.x, head.y) == ((1,), (0.5,))
    assert len(traces(figure, "line")) == 2
    assert len(figure.data) == 1 + 3 * 2


def test_logarithmic_heights_keep_their_order_and_hover_shows_true_ones():
    contour = descent_map(XS, YS, HEIGHTS, [], log=True).data[0]
    assert (np.argsort(contour.z.ravel()) == np.argsort(HEIGHTS.ravel())).all()
    assert np.isfinite(contour.z).all()
    np.testing.assert_array_equal(contour.customdata, HEIGHTS)


@pytest.mark.parametrize("log", [False, True])
def test_the_surface_shows_the_paths_without_parts_outside_the_map(log):
    figure = descent_surface(XS, YS, HEIGHTS, [DIVERGED, OUTSIDE], log=log)
    assert figure.data[0].type == "surface"
    first, second = traces(figure, "line")
    assert first.z[0] >= figure.data[0].z[1, 0]  # just above the ground, so that it is visible
    assert first.z[0] == pytest.approx(figure.data[0].z[1, 0], abs=0.2)
    assert (second.x[1], second.y[1], second.z[1]) == (None, None, None)  # or the axes would grow to it
    assert (figure.layout.scene.xaxis.range, figure.layout.scene.yaxis.range) == ((0, 2), (-1, 1))


@pytest.mark.parametrize("log", [False, True])
def test_heights_of_a_path_that_leaves_the_map_do_not_stretch_the_axis(log):
    far = OUTSIDE._replace(points=np.array([(0.0, 1.0), (1.0, 1.0), (1e5, 1.0)]), heights=np.array([9.0, 4.0, 8e5]))
    axis = descent_heights(XS, YS, [far], log=log).layout.yaxis
    low, high = (10**end if log else end for end in axis.range)
    assert 3 < low < 4
    assert 9 < high < 10
    assert axis.tickformat == ("~g" if log else None)  # 0.2 and 0.5 instead of 2 and 5
    assert descent_heights(XS, YS, [], log=log).layout.yaxis.range is None


def test_heights_over_steps_have_the_legend_of_all_figures():
    figure = descent_heights(XS, YS, [DIVERGED, OUTSIDE], label="loss", log=True)
    assert figure.layout.yaxis.type == "log"
    assert [trace.name for trace in figure.data if trace.showlegend is not False] == ["SGD", "Adam"]
    assert traces(figure, "line")[0].y == (9, 2, None)


def test_optimizers_are_distinguishable_without_color():
    looks = [(DASHES[i], SYMBOLS[i]) for i in range(len(OPTIMIZERS))]
    assert len(set(looks)) == len({SYMBOLS[i] for i in range(len(OPTIMIZERS))}) == len(OPTIMIZERS)
    assert len(set(CLASS_COLORS[: len(OPTIMIZERS)])) == len(OPTIMIZERS)


@pytest.mark.parametrize("draw", [descent_map, descent_surface])
def test_heights_that_do_not_fit_their_axes_are_rejected(draw):
    with pytest.raises(ValueError, match=r"\(2, 3\); they are \(3, 2\)"):
        draw(XS, YS, HEIGHTS.T, [])


def test_the_rate_curve_marks_the_current_rate_and_the_suggestion():
    figure = rate_curve([0.01, 0.1], [0.5, 0.4], current=0.03, suggestion=0.1)
    assert [shape.x0 for shape in figure.layout.shapes] == [0.03, 0.1]
    assert [note.text for note in figure.layout.annotations] == ["current 0.03", "suggested 0.1"]
    assert [note.x for note in figure.layout.annotations] == [np.log10(0.03), -1]
    assert len(rate_curve([], [], current=0.03, suggestion=None).layout.shapes) == 1
    with pytest.raises(ValueError, match="1 rates and 0 losses"):
        rate_curve([1.0], [], current=0.03, suggestion=None)


def test_ridges_are_in_layer_order_each_scaled_to_itself():
    figure = ridges(["first", "last"], [[0, 1, 2], [5, 6, 7]], [[1, 4], [100, 0]], x="output", theme="dark")
    first, last = figure.data
    assert (min(first.y), min(last.y)) == (1, 0)
    assert max(first.y) - 1 == max(last.y)
    assert (first.x[0], first.x[-1], last.x[0]) == (0, 2, 5)
    assert figure.layout.yaxis.ticktext == ("first", "last")
    assert figure.layout.yaxis.tickvals == (1, 0)
    with pytest.raises(ValueError, match="There are 1 names"):
        ridges(["first"], [[0, 1, 2]], [[1, 4, 4]], x="")


def test_update_ratios_inside_and_outside_the_band_have_different_marks():
    figure = update_ratios(["a", "b", "c"], [1e-3, 0.5, np.nan], (1e-4, 1e-2))
    (dots,) = figure.data
    assert dots.marker.symbol == ("circle", "x", "x")
    assert dots.y.tolist() == [2, 1, 0]
    assert np.isnan(dots.x[2])
    assert (figure.layout.shapes[0].x0, figure.layout.shapes[0].x1) == (1e-4, 1e-2)
    assert 10 ** figure.layout.xaxis.range[1] > 0.5
