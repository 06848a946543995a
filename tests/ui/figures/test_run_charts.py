"""Charts of kept runs: groups are bands, diverged runs are apart, and no text becomes markup."""

from __future__ import annotations

import numpy as np

from lab.training.spread import spread
from ui.figures import run_charts
from ui.figures.run_charts import MAX_COLORS, Axis, Line, Mark, parallel, plain, scatter

EPOCHS = np.arange(4)


def lines(*losses, group="", diverged=False):
    return [Line(f"run {n}", EPOCHS[: len(row)], np.array(row, float), diverged, group) for n, row in enumerate(losses)]


def overlay(runs, label):
    return run_charts.overlay(runs, label=label, spread=spread)


def named(figure):
    return {trace.name: trace for trace in figure.data if trace.name}


def test_each_run_is_a_line_and_a_diverged_one_ends_with_a_cross():
    figure = overlay([*lines([1, 0.5, 0.4, 0.3]), *lines([1, 2], diverged=True)], label="test loss")
    assert [len(trace.x) for trace in figure.data] == [4, 2, 1]
    assert figure.data[-1].marker.symbol == "x"


def test_runs_of_a_group_are_their_median_with_a_band():
    figure = overlay(lines([1, 1, 1, 1], [2, 2, 2, 2], [6, 6, 6, 6], group="rate 0.1"), label="test loss")
    np.testing.assert_array_equal(named(figure)["rate 0.1 (3 runs)"].y, [2] * 4)
    bands = [trace.y for trace in figure.data if trace.name is None]
    np.testing.assert_array_equal(bands, [[1.5] * 4, [4] * 4])


def test_a_diverged_member_counts_as_worse_than_any_other():
    runs = [*lines([1, 1, 1, 1], [2, 2, 2, 2], group="g"), *lines([1, 9], group="g", diverged=True)]
    np.testing.assert_array_equal(named(overlay(runs, label="loss"))["g (3 runs)"].y, [1, 2, 2, 2])


def test_many_runs_have_one_color_and_no_legend():
    figure = overlay(lines(*[[1, 0.5]] * (MAX_COLORS + 1)), label="loss")
    assert len({trace.line.color for trace in figure.data}) == 1
    assert not any(trace.showlegend for trace in figure.data)
    assert (
        len({trace.line.color for trace in overlay(lines(*[[1, 0.5]] * MAX_COLORS), label="loss").data}) == MAX_COLORS
    )


def test_many_groups_have_colors_in_their_order():
    runs = [line for n in range(12) for line in lines([1, 1], [2, 2], group=f"rate {n}")]
    colors = [trace.line.color for trace in overlay(runs, label="loss").data if trace.name]
    assert len(set(colors)) == 12
    assert (colors[0], colors[-1]) == ("#440154", "#fee825")


def test_diverged_runs_are_on_a_rail_of_their_own():
    marks = [Mark("a", 0.01, 0.5, "1"), Mark("b", 0.1, 0.1, "2"), Mark("c", 10.0, None, "3")]
    figure = scatter(marks, x="Learning rate", y="test loss")
    assert figure.layout.xaxis.type == "log"
    fine, lost = figure.data
    assert (list(fine.customdata), list(lost.customdata), lost.yaxis) == (["1", "2"], ["3"], "y2")
    assert figure.layout.yaxis.domain[1] < figure.layout.yaxis2.domain[0]
    assert figure.layout.yaxis2.ticktext == ("diverged",)
    assert scatter(marks[:2], x="", y="").layout.yaxis.domain == (0, 1)
    assert scatter([Mark("a", "adam", 1.0)], x="", y="").layout.xaxis.type == "category"


def test_names_of_parallel_axes_are_sorted_by_the_numbers_in_them():
    names = ["16-4", "relu", "16", "4-4", "8", "none"]
    (axis,) = parallel([Axis("hidden", names)]).data[0].dimensions
    assert axis.ticktext == ("8", "16", "4-4", "16-4", "none", "relu")


def test_parallel_axes_are_logarithmic_where_values_differ_much():
    figure = parallel([Axis("rate", [0.001, 0.1]), Axis("name", ["b", "a"]), Axis("loss", [0.5, None])])
    rate, name, loss = figure.data[0].dimensions
    np.testing.assert_allclose(rate.values, [-3, -1])
    assert rate.ticktext == ("0.001", "0.1")
    assert (list(name.values), name.ticktext) == ([1, 0], ("a", "b"))
    assert loss.ticktext == ("0.5", "diverged")
    assert loss.values[1] > loss.values[0]


def test_an_axis_without_any_value_is_drawn():
    (only,) = parallel([Axis("loss", [None, None])]).data[0].dimensions
    assert only.ticktext[-1] == "diverged"


def test_a_text_from_outside_becomes_no_markup_and_no_template():
    assert plain("<b>%{y}</b> & more") == "&lt;b>%\u200b{y}&lt;/b> &amp; more"
