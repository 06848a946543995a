"""The formulas of one step hold the numbers of the run."""

from __future__ import annotations

import numpy as np
import pytest

from engine import OPTIMIZERS
from lab.experiment.experiment import Experiment
from lab.queries.one_step import one_step
from lab.training.run import Run
from ui.one_step import formulas

ASKED = {"part": "train", "number": 1, "label": 0, "layer": 0, "source": 1, "target": 2, "first": 0}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.25, "-0.25"), (12345.0, r"1.234 \cdot 10^{4}"), (1.5e-7, r"1.5 \cdot 10^{-7}")],
)
def test_a_number_has_four_figures(value, text):
    assert formulas.num(value) == text


def test_a_negative_factor_is_in_parentheses():
    assert formulas.factor(-2.0) == "(-2)"
    assert formulas.factor(2.0) == "2"


def test_a_long_sum_shows_its_largest_terms_and_the_chosen_one():
    values, weights = np.array([1.0, 9.0, 0.1, 5.0, 7.0]), np.ones(5)
    assert formulas.weighted_sum(values, weights) == r"9 \cdot 1 + 5 \cdot 1 + 7 \cdot 1 + \cdots"
    assert formulas.weighted_sum(values, weights, keep=2) == r"9 \cdot 1 + 0.1 \cdot 1 + 7 \cdot 1 + \cdots"
    assert formulas.weighted_sum(values[:1], weights[:1]) == r"1 \cdot 1"


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_update_lines_lead_from_the_old_value_to_the_new(name):
    run = Run(Experiment(samples=40, hidden=(4,), optimizer=name), clock=lambda: 0.0)
    run.trainer.epoch()
    update = one_step(run, ASKED, {})[0]["update"]
    lines = formulas.update_lines(update)
    assert lines[-1].endswith(f"= {formulas.num(update['after'])}")
    assert formulas.num(update["parameter"]) in " ".join(lines)
    assert formulas.factor(update["used"]) in " ".join(lines)
    for value in update["slots_after"].values():
        assert formulas.num(value) in " ".join(lines)


def test_a_change_that_four_figures_hide_is_shown_as_a_difference():
    assert formulas.change("w", 0.04469, 0.0446869) == (
        r"w: 0.04469 \rightarrow 0.04469,\quad \Delta = -3.1 \cdot 10^{-6}"
    )
