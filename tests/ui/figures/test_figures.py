"""The figures are functions of plain arrays, and share their colors with the page's JavaScript."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from ui.figures import theme
from ui.figures.activation import activation_shape
from ui.figures.boundary import boundary
from ui.figures.learning_curve import curve, curves

COMPONENTS = Path(__file__).parents[3] / "ui" / "components"
MODULES = sorted(COMPONENTS.rglob("*.js"))
PALETTE = (COMPONENTS / "shared/palette.js").read_text()
NO_EPOCHS = np.array([])


def palette(name: str) -> list[str]:
    """The quoted values of one exported constant of palette.js."""
    found = re.search(rf"^export const {name} = (.+);$", PALETTE, re.MULTILINE)
    assert found, f"palette.js does not export {name}"
    return re.findall(r"'([^']+)'", found[1])


@pytest.mark.parametrize(
    "name",
    [
        "ORANGE",
        "BLUE",
        "ZERO",
        "CLASS_COLORS",
        "CLASS_SYMBOLS",
        "INK",
        "QUIET",
        "TRAIN_CURVE",
        "VALIDATION_CURVE",
        "TEST_CURVE",
        "GRID",
    ],
)
def test_the_page_and_the_figures_use_the_same_palette(name):
    ours = getattr(theme, name)
    values = list(ours.values()) if isinstance(ours, dict) else [ours] if isinstance(ours, str) else list(ours)
    assert palette(name) == values


def test_each_class_has_its_own_color_and_shape():
    assert len(theme.CLASS_COLORS) == len(theme.CLASS_SYMBOLS)
    assert len(set(theme.CLASS_COLORS)) == len(theme.CLASS_COLORS)
    assert len(set(theme.CLASS_SYMBOLS)) == len(theme.CLASS_SYMBOLS)


# Linear-light matrices of Machado, Oliveira and Fernandes (2009), severity 1.
COLOR_VISION = {
    "normal": "1 0 0  0 1 0  0 0 1",
    "protanopia": "0.152286 1.052583 -0.204868  0.114503 0.786281 0.099216  -0.003882 -0.048116 1.051998",
    "deuteranopia": "0.367322 0.860646 -0.227968  0.280085 0.672501 0.047413  -0.011820 0.042940 0.968881",
}


def lab(color: str, vision: str = "normal") -> np.ndarray:
    """CIE L*a*b* (D65) of '#rrggbb' as seen with this kind of color vision."""
    srgb = np.array([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    seen = np.array(COLOR_VISION[vision].split(), dtype=float).reshape(3, 3) @ linear
    x, y, z = np.cbrt(to_xyz @ np.clip(seen, 0, 1) / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", COLOR_VISION)
def test_the_first_five_class_colors_differ_for_color_blind_people(vision):
    seen = [lab(color, vision) for color in theme.CLASS_COLORS[:5]]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 10


CURVES = (theme.TRAIN_CURVE, theme.TEST_CURVE, theme.VALIDATION_CURVE)
PAGE = {"light": "#ffffff", "dark": "#0b0e11"}


@pytest.mark.parametrize("vision", COLOR_VISION)
@pytest.mark.parametrize("name", ["light", "dark"])
def test_the_curves_differ_from_each_other_and_the_page(name, vision):
    train, test, validation = (lab(color[name], vision) for color in CURVES)
    assert np.linalg.norm(train - test) > 40
    assert min(np.linalg.norm(train - validation), np.linalg.norm(test - validation)) > 25  # which is also dashed
    contrasts = [abs(color[0] - lab(PAGE[name])[0]) for color in (train, test, validation)]
    assert min(contrasts) > 50  # in L*, about 4.5:1, because the names have these colors


@pytest.mark.parametrize("name", ["light", "dark"])
def test_train_and_test_curves_differ_in_gray(name):
    assert abs(lab(theme.TRAIN_CURVE[name])[0] - lab(theme.TEST_CURVE[name])[0]) > 15


@pytest.mark.parametrize("name", ["light", "dark"])
def test_no_curve_has_the_hue_of_a_class(name):
    seen = [lab(color[name]) for color in CURVES[:2]]
    assert min(np.linalg.norm(curve - lab(color)) for curve in seen for color in theme.CLASS_COLORS) > 20


def test_a_curve_has_the_traces_train_and_test():
    figure = curve([0, 10, 20], [0.7, 0.4, 0.3], [0.7, np.nan, 0.5], label="loss")
    assert [trace.name for trace in figure.data] == ["train", "test", "best"]
    np.testing.assert_array_equal(figure.data[0].x, [0, 10, 20])
    np.testing.assert_array_equal(figure.data[1].y, [0.7, np.nan, 0.5])
    assert figure.data[0].line.width < figure.data[1].line.width
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("epoch", "loss")


def test_a_validation_curve_is_the_only_dashed_one():
    figure = curve([0, 10], [0.7, 0.4], [0.7, 0.5], [0.8, 0.6], label="accuracy")
    assert [trace.name for trace in figure.data] == ["train", "test", "validation"]
    assert [trace.line.dash for trace in figure.data] == [None, None, "dash"]
    np.testing.assert_array_equal(figure.data[2].y, [0.8, 0.6])


@pytest.mark.parametrize(("validation", "lowest"), [(None, (20, 0.3)), ([0.8, 0.2, np.nan], (10, 0.2))])
def test_the_best_loss_is_marked_on_the_part_that_selects(validation, lowest):
    figure = curve([0, 10, 20], [0.7, 0.1, 0.05], [0.7, 0.4, 0.3], validation, label="loss")
    (best,) = (trace for trace in figure.data if trace.name == "best")
    assert (best.x[0], best.y[0]) == lowest
    watched = figure.data[1 if validation is None else 2]
    assert best.marker.color == watched.line.color


@pytest.mark.parametrize("log", [False, True])
def test_names_at_the_ends_of_meeting_lines_are_apart(log):
    figure = curve([0, 10], [0.7, 0.4], [0.7, 0.4], [0.7, 0.4], label="loss", log=log)
    notes = figure.layout.annotations
    assert {note.text: note.font.color for note in notes} == {
        name: color["light"] for name, color in zip(("train", "test", "validation"), CURVES, strict=True)
    }
    places = sorted(note.y for note in notes)
    span = np.log10(0.7 / 0.4) if log else 0.7
    assert min(np.diff(places)) > 0.07 * span
    assert figure.layout.margin.r > 60  # room for the longest name


@pytest.mark.parametrize("columns", [4, 6])
def test_the_curves_of_a_run_have_its_columns_by_part(columns):
    values = np.arange(2 * columns).reshape(columns, 2)
    loss, score = curves(np.array([0, 1]), values, score="R2").values()
    rows = ((0, 1, 4), (2, 3, 5))
    for figure, picked in zip((loss, score), rows, strict=True):
        shown = {trace.name: trace.y.tolist() for trace in figure.data if trace.mode == "lines"}
        names = ("train", "test", "validation")[: columns // 2]
        assert shown == {name: values[row].tolist() for name, row in zip(names, picked, strict=False)}


@pytest.mark.parametrize("label", ["loss", "accuracy", "R2"])
def test_a_curve_without_epochs_has_its_traces_and_axes(label):
    figure = curve(NO_EPOCHS, NO_EPOCHS, NO_EPOCHS, label=label)
    assert [len(trace.x) for trace in figure.data] == [0, 0]
    assert figure.layout.yaxis.title.text == label.replace("R2", "R²")


def test_a_loss_has_a_logarithmic_axis_on_request():
    axis = [curve([1], [1], [1], label="loss", log=log).layout.yaxis.type for log in (False, True)]
    assert axis == ["linear", "log"]


def test_a_curve_rejects_series_of_different_lengths():
    with pytest.raises(ValueError, match="same length"):
        curve([0, 1], [0.5, 0.4], [0.5], label="loss")


def test_function_and_derivative_differ_by_dash():
    z = np.linspace(-1, 1, 5)
    figure = activation_shape(z, np.tanh(z), 1 - np.tanh(z) ** 2, name="tanh")
    assert [trace.line.dash for trace in figure.data] == ["solid", "dash"]
    np.testing.assert_allclose(figure.data[1].y, 1 - np.tanh(z) ** 2)
    assert figure.layout.meta["name"] == "tanh"


POINTS, LABELS = np.array([[0.0, 5.0], [2.0, 6.0], [1.0, 5.0]]), np.array([0, 1, 0])


def test_the_boundary_map_has_x2_in_rows_and_x1_in_columns():
    xs, ys = np.array([0.0, 1.0, 2.0]), np.array([6.0, 5.0])  # the top row first, as in a frame
    values = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    heatmap = boundary(xs, ys, values, POINTS, LABELS, ["in", "out"]).data[0]
    at = {(x, y): heatmap.z[i][j] for i, y in enumerate(heatmap.y) for j, x in enumerate(heatmap.x)}
    assert at[2.0, 6.0] == 0.3
    assert at[0.0, 5.0] == 0.4


def test_a_transposed_map_is_rejected():
    with pytest.raises(ValueError, match="len"):
        boundary([0, 1, 2], [6, 5], np.zeros((3, 2)), POINTS, LABELS, ["in", "out"])


def test_the_examples_of_a_class_have_its_color_and_shape():
    traces = boundary([0, 1], [5, 6], np.zeros((2, 2)), POINTS, LABELS, ["in", "out"]).data[1:]
    assert [trace.name for trace in traces] == ["in", "out"]
    assert [trace.marker.color for trace in traces] == [theme.ORANGE, theme.BLUE]
    assert [trace.marker.symbol for trace in traces] == ["circle", "square"]
    np.testing.assert_array_equal(traces[0].x, [0.0, 1.0])


def test_more_than_two_classes_get_one_flat_color_each():
    heatmap = boundary([0, 1], [5, 6], [[0, 1], [2, 2]], POINTS, LABELS, ["a", "b", "c"]).data[0]
    assert [color for _, color in heatmap.colorscale][::2] == list(theme.CLASS_COLORS[:3])
    assert (heatmap.zmin, heatmap.zmax) == (-0.5, 2.5)


def test_numbers_are_colored_on_the_signed_scale():
    figure = boundary([0, 1], [5, 6], np.zeros((2, 2)), POINTS, [-1.0, 0.0, 1.0], [], theme="dark")
    assert [color for _, color in figure.data[1].marker.colorscale] == [theme.ORANGE, theme.ZERO["dark"], theme.BLUE]


@pytest.mark.parametrize("name", ["light", "dark"])
def test_every_figure_is_transparent_untitled_and_keeps_its_zoom(name):
    z = np.linspace(-1, 1, 3)
    figures = (
        curve(NO_EPOCHS, NO_EPOCHS, NO_EPOCHS, label="loss", theme=name),
        activation_shape(z, z, z, name="linear", theme=name),
        boundary([0, 1], [5, 6], np.zeros((2, 2)), POINTS, LABELS, ["in", "out"], theme=name),
    )
    for figure in figures:
        assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
        assert figure.layout.title.text is None
        assert figure.layout.uirevision == "constant"
        assert figure.layout.font.color == theme.TEXT[name]
        assert figure.layout.font.family == figure.layout.hoverlabel.font.family == theme.FONT


def test_no_module_of_a_component_writes_html():
    assert MODULES
    for module in MODULES:
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", module.read_text()), module.name
