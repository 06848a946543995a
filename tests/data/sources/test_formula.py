"""The typed feature: its values, and the refusal of everything but arithmetic."""

from __future__ import annotations

import contextlib
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import load
from data.sources.features import plane_features
from data.sources.formula import CLIP, MAX_CHARACTERS, FormulaError, parse

POINTS = np.array([[2.0, -3.0], [-1.0, 0.5]])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x1", [2, -1]),
        ("2*x1 - x2", [7, -2.5]),
        ("x1^2 + x2**2", [13, 1.25]),
        ("-x1^2", [-4, -1]),
        ("x1²·x₂", [-12, 0.5]),
        ("2^3^2", [512, 512]),
        ("sin(x1) * cos(x2)", [np.sin(2) * np.cos(3), np.sin(-1) * np.cos(0.5)]),
        ("min(x1, x2) + max(x1, 1)", [-1, 0]),
        ("sqrt(abs(x2))", [3**0.5, 0.5**0.5]),
        ("pi + e", [np.pi + np.e] * 2),
        ("log(abs(x1)) + exp(x2)", [np.log(2) + np.exp(-3), np.exp(0.5)]),
        ("tan(x1) - tanh(x1)", np.tan([2, -1]) - np.tanh([2, -1])),
        ("1e1 * x1", [20, -10]),
        (".5*x1", [1, -0.5]),
        ("3", [3, 3]),
    ],
)
def test_a_formula_has_its_hand_computed_values(text, expected):
    np.testing.assert_allclose(parse(text)(POINTS), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x3",
        "X1",
        "x1.real",
        "x1[0]",
        "__import__('os')",
        "(lambda: 0)()",
        "x1 if x2 else 1",
        "[x1]",
        "{x1}",
        "x1 == x2",
        "x1 or x2",
        "10or 2",
        "not x1",
        "x1, x2",
        "'x1'",
        "f(x1)",
        "sin",
        "sin()",
        "sin(x1, x2)",
        "min(x1)",
        "min(*x1, x2)",
        "sin(a=x1)",
        "sin(sin)",
        "2x1",
        "2e",
        "1e3x1",
        "0x10",
        "1j",
        "1_000",
        "x1 @ x2",
        "x1 // x2",
        "x1 % 2",
        "x1 << 2",
        "~x1",
        "x1; x2",
        "x1 = 2",
        "x1 :=2",
        "x1\0",
        "\ud800",
        "x1 #",
        "(" * 49 + ")" * 49,
        "-" * 50 + "x1",
        "1" + "+1" * 60,
        "abs" * 30,
        "print(x1)",
        "exec(x1)",
        "await x1",
        "yield",
        "x1.__class__",
        "True",
        "None",
    ],
)
def test_anything_else_is_refused_with_a_sentence(text):
    with pytest.raises(FormulaError) as refusal:
        parse(text)
    assert str(refusal.value).endswith(".")


@given(st.text(alphabet="x12+-*/^(), .sincotaeplgqrbmh0", max_size=MAX_CHARACTERS))
def test_any_text_gives_finite_numbers_or_a_sentence(text):
    try:
        values = parse(text)(POINTS)
    except FormulaError:
        return
    assert values.shape == (2,)
    assert np.abs(values).max() <= CLIP


@pytest.mark.parametrize("text", ["sqrt(x1)", "log(x2)", "0/0", "x1 ^ 0.5", "(1/0) - (1/0)"])
def test_a_formula_that_is_undefined_somewhere_says_where(text):
    with pytest.raises(FormulaError, match="undefined at x1 = "):
        parse(text)


def test_huge_values_are_clipped_and_single_gaps_are_zero():
    np.testing.assert_array_equal(parse("9^9^9^9")(POINTS), [CLIP, CLIP])
    np.testing.assert_array_equal(parse("1/x1")(np.zeros((1, 2))), [CLIP])
    np.testing.assert_array_equal(parse("-1/x1^2")(np.zeros((1, 2))), [-CLIP])
    np.testing.assert_array_equal(parse("sin(x1)/x1")(np.zeros((1, 2))), [0])


def test_a_formula_cannot_exhaust_recursion_or_memory():
    before = sys.getrecursionlimit()
    for text in ("(" * 45 + "x1" + ")" * 45, "9" * 100, "9**9" * 20):
        with contextlib.suppress(FormulaError):
            assert np.isfinite(parse(text)(POINTS)).all()
    assert sys.getrecursionlimit() == before


def test_the_typed_feature_becomes_a_network_input():
    np.testing.assert_allclose(plane_features(POINTS, ("x2", "formula"), "x1 + 1"), [[-3, 3], [0.5, 0]])
    dataset = load("circle", features=("x1", "formula"), formula="x1^2 + x2^2", rng=np.random.default_rng(1))
    assert dataset.feature_names == ("x1", "formula")
    assert dataset.encode is not None
    np.testing.assert_array_equal(dataset.encode(dataset.points_train), dataset.x_train)
