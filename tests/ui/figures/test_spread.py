"""Bands of many runs: lines have their names at their ends, and losses that differ by decades a logarithmic axis."""

from __future__ import annotations

import numpy as np

from ui.figures.spread import bands, response, two_runs

WIDE, NARROW = np.geomspace(1, 0.01, 11), np.linspace(1, 0.5, 11)


def band(median: np.ndarray) -> list[np.ndarray]:
    return [median * factor for factor in (0.8, 0.9, 1, 1.1, 1.2)]


def ends(figure) -> dict[str, float]:
    return {note.text: note.y for note in figure.layout.annotations if note.x == 1}


def test_two_groups_are_named_where_their_lines_end():
    figure = bands({"L2 rate 0": band(WIDE), "L2 rate 1": band(3 * WIDE)}, label="test loss", part="test")
    named = ends(figure)
    assert list(named) == ["L2 rate 0", "L2 rate 1"]
    assert figure.layout.yaxis.type == "log"
    np.testing.assert_allclose([*named.values()], np.log10([0.01, 0.03]))
    lines = {trace.name: trace.line.color for trace in figure.data if trace.name}
    assert [note.font.color for note in figure.layout.annotations] == [*lines.values()]
    assert not ends(bands({"": band(WIDE)}, label="test loss", part="test"))


def test_equal_lines_have_names_apart():
    curves = {name: (np.arange(11), NARROW) for name in "AB"}
    figure = two_runs(curves, 0, label="test loss", part="test")
    assert figure.layout.yaxis.type is None
    low, high = sorted(ends(figure).values())
    assert high - low > 0.04


def test_a_diverged_line_is_named_where_it_was_last_known():
    gone = np.where(np.arange(11) < 5, WIDE, np.inf)
    figure = two_runs({"A": (np.arange(11), WIDE), "B": (np.arange(11), gone)}, 0, label="test loss", part="test")
    assert ends(figure)["B"] == np.log10(WIDE[4])
    nothing = np.full(11, np.inf)
    assert list(ends(bands({"A": band(WIDE), "B": band(nothing)}, label="test loss", part="test"))) == ["A"]


def test_only_losses_over_ordered_values_have_a_logarithmic_axis():
    quartiles = np.stack([WIDE[::5] * factor for factor in (0.9, 1, 1.1)])

    def axis(label: str, is_ordered: bool):
        names = ["1", "2", "3"]
        figure = response(
            names, quartiles, [0] * 3, [5] * 3, label=label, part="test", present=1, is_ordered=is_ordered
        )
        return figure.layout.yaxis.type

    assert axis("test loss", True) == "log"
    assert axis("test loss", False) is None  # bars begin at 0
    assert axis("test accuracy", True) is None


def test_the_visitors_value_is_named_above_the_bars():
    quartiles = np.ones((3, 3))
    figure = response(["a", "b", "c"], quartiles, [0] * 3, [5] * 3, label="test accuracy", part="test", present=1,
                      is_ordered=False)  # fmt: skip
    (word,) = figure.layout.annotations
    assert (word.text, word.x, word.y, word.yref, word.yanchor) == ("yours", 1, 1, "paper", "bottom")
    assert figure.layout.margin.t > figure.layout.font.size
