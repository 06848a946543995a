"""The figures of the pages Functions and One step, from plain arrays."""

from __future__ import annotations

import numpy as np
import pytest

from ui.figures import theme
from ui.figures.chooser import chooser
from ui.figures.function_shapes import Curve, pre_activation_histogram, shapes, softmax_bars
from ui.figures.gradient_agreement import agreement, error_over_epsilon
from ui.figures.network_graph import Chosen, Column, network

X = np.linspace(-1, 1, 5)
CURVE = Curve("tanh", np.tanh(X), 1 - np.tanh(X) ** 2)
COLUMNS = [
    Column("Input", ["x1", "x2"], np.array([0.5, -2.0]), 3),
    Column("Hidden", ["a", "b", "c"], np.array([0.1, 0.0, -0.001]), 0),
    Column("Output", ["y"], None, 0),
]
WEIGHTS = [np.array([[1.0, -0.5, 0.1], [0.2, 0.3, -1.0]]), np.array([[1.0], [-2.0], [0.5]])]


def named(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


def test_the_first_curve_is_thick_and_the_others_are_dashed():
    other = Curve("relu", np.maximum(X, 0), (X > 0).astype(float))
    figure = shapes(X, [CURVE, other], ([-0.5, 0.5], np.tanh([-0.5, 0.5])))
    first, second, slope, dots = figure.data
    np.testing.assert_array_equal(first.y, CURVE.values)
    np.testing.assert_array_equal(slope.y, CURVE.slope)
    assert first.line.width > second.line.width
    assert len({trace.line.dash for trace in (first, second, slope)}) == 3
    assert list(dots.marker.color) == [theme.ORANGE, theme.BLUE]
    assert len(shapes(X, [CURVE]).data) == 2


def test_the_bars_of_the_pre_activations_sum_to_one():
    figure = pre_activation_histogram([-1, 0, 1], [1, 3], (X, np.tanh(X)), ([0.2], [0.2]))
    np.testing.assert_allclose(figure.data[0].y, [0.25, 0.75])
    assert list(figure.data[0].marker.color) == [theme.ORANGE, theme.BLUE]


def test_softmax_probabilities_are_shown_with_those_at_temperature_one():
    bars, marks = softmax_bars(["a", "b"], [0.6, 0.4], [0.9, 0.1]).data
    np.testing.assert_allclose(bars.y, [0.6, 0.4])
    np.testing.assert_allclose(marks.y, [0.9, 0.1])


def test_the_network_shows_known_numbers_and_leaves_the_others_blank():
    figure = network(COLUMNS, WEIGHTS, Chosen(0, 1, 2), 1)
    assert list(named(figure, "Input").text) == ["0.50", "-2.00"]
    assert list(named(figure, "Hidden").text) == ["0.10", "0", "-1e-3"]
    (blank,) = named(figure, "Output").text
    assert blank == "\u200b"  # invisible, but text: where all texts were empty, Plotly would draw no later ones
    assert "and 3 more" in [note.text for note in figure.layout.annotations]
    assert "<b>Hidden</b>" in [note.text for note in figure.layout.annotations]


@pytest.mark.parametrize("source", [1, -1])
def test_the_chosen_weight_ends_at_its_unit(source):
    line = named(network(COLUMNS, WEIGHTS, Chosen(0, source, 2), 1), "chosen")
    assert (line.x[-1], line.y[-1]) == (1, -1)
    assert (line.x[0] == 0) == (source >= 0)


def test_every_weight_is_drawn_once_in_the_color_of_its_sign():
    figure = network(COLUMNS, WEIGHTS, Chosen(0, 0, 0), 0)
    lines = {color: sum(len(t.x) // 3 for t in figure.data if t.mode == "lines" and t.line.color == color)
             for color in (theme.ORANGE, theme.BLUE)}  # fmt: skip
    signs = np.concatenate([weights.ravel() for weights in WEIGHTS])
    assert lines == {theme.ORANGE: (signs < 0).sum(), theme.BLUE: (signs >= 0).sum()}


def test_weights_that_do_not_fit_their_columns_are_rejected():
    with pytest.raises(ValueError, match=r"weights 1 must be \(3, 1\)"):
        network(COLUMNS, [WEIGHTS[0], WEIGHTS[1].T], Chosen(0, 0, 0), 0)


def test_a_point_of_the_map_has_its_part_and_number():
    points = np.array([[0.0, 5.0], [2.0, 6.0], [1.0, 5.0]])
    parts = {"test": (points, np.array([0, 1, 0])), "train": (points, np.array([1, 1, 1]))}
    figure = chooser(np.full((8, 8), 128, np.uint8), "value", (-6, 6), parts, ["in", "out"], (1.0, 5.0))
    found = {(d[0], d[1]): (x, y) for t in figure.data if t.customdata is not None
             for d, x, y in zip(t.customdata, t.x, t.y, strict=True)}  # fmt: skip
    assert found == {(part, n): tuple(points[n]) for part in parts for n in range(3)}
    assert (named(figure, "chosen").x, named(figure, "chosen").y) == ((1.0,), (5.0,))
    np.testing.assert_array_equal(figure.data[0].z, 0)


def test_a_wrong_gradient_is_a_cross():
    figure = agreement([1.0, 2.0], [1.0, 3.0], [False, True], ["right", "wrong"])
    assert [list(named(figure, name).x) for name in ("agrees", "does not agree")] == [[1.0], [2.0]]
    assert named(figure, "does not agree").marker.symbol == "x"


def test_the_error_curve_has_a_line_per_precision_and_logarithmic_axes():
    figure = error_over_epsilon([1e-2, 1e-4], {"float32": [0.1, 0.0], "float64": [0.1, 1e-8]})
    assert [trace.name for trace in figure.data] == ["float32", "float64"]
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "log")
    assert min(figure.data[0].y) > 0  # an error of zero stays on the picture


@pytest.mark.parametrize("name", ["light", "dark"])
def test_every_figure_follows_the_theme(name):
    figures = (
        shapes(X, [CURVE], theme=name),
        pre_activation_histogram([-1, 0, 1], [1, 3], (X, X), ([], []), theme=name),
        softmax_bars(["a"], [1.0], [1.0], theme=name),
        network(COLUMNS, WEIGHTS, Chosen(0, 0, 0), 0, theme=name),
        agreement([1.0], [1.0], [False], [""], theme=name),
        error_over_epsilon([1e-2], {"float32": [0.1]}, theme=name),
    )
    for figure in figures:
        assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"
        assert figure.layout.font.color == theme.TEXT[name]
