"""Scores of each class, errors of numbers, wrong points, and the size of the network."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from tests.browser.playground import WAIT_S, Playground, eventually

pytestmark = pytest.mark.browser

CELLS = "table => [...table.tBodies[0].rows].map(row => [...row.querySelectorAll('td')].map(cell => cell.innerText))"
MARKS = ".live-map-marks"


def read(playground: Playground) -> dict[str, str]:
    """The status line: label -> value."""
    labels, values = (
        playground.page.locator(f".live-fact:visible .live-{part}").all_inner_texts() for part in ("label", "value")
    )
    return dict(zip(labels, values, strict=True))


def agree(playground: Playground) -> bool:
    """Whether precision, recall and F1 on the screen follow from the counts beside them."""
    rows = playground.page.locator(".live-confusion").evaluate(CELLS)
    counts = np.array([[int(cell) for cell in row[:3]] for row in rows])
    shown = [[float(cell.replace("\N{EN DASH}", "nan")) for cell in row[3:]] for row in rows]
    right, read, true = counts.diagonal(), counts.sum(axis=0), counts.sum(axis=1)
    with np.errstate(invalid="ignore"):
        meant = np.stack([right / read, right / true, 2 * right / (read + true)], axis=1)
    return counts.sum() > 0 and np.allclose(shown, meant, atol=0.0051)


def test_classes_have_scores_and_wrong_points_are_marked(playground):
    playground.open("dataset=spiral3&speed=max&epochs=40&learning_rate=0.1&mark_errors=always")
    every = playground.pixels(MARKS)
    playground.press("Play")
    playground.until("facts.status === 'stopped'")
    assert eventually(lambda: agree(playground), WAIT_S)
    playground.until_pixels(MARKS, every.__ne__)  # the rings have changed, the examples have not
    legend = playground.page.locator(".live-legend").inner_text()
    assert "wrong" in legend
    assert "the chosen class" in legend
    ringed = playground.pixels(MARKS)
    playground.choose("Mark errors", "Never")
    playground.linked(mark_errors="never")
    playground.until_pixels(MARKS, ringed.__ne__)
    assert "wrong" not in playground.page.locator(".live-legend").inner_text()


def test_size_time_and_errors_are_shown(playground):
    playground.open("dataset=plane&hidden=8,8").step(1)
    playground.page.get_by_role("heading", name="Error on the test data").wait_for()
    errors = playground.page.locator(".live-errors dd")
    assert eventually(lambda: errors.first.inner_text() == read(playground)["Test R\N{SUPERSCRIPT TWO}"], WAIT_S)
    r2, rmse, mean = (float(text.replace("\N{MINUS SIGN}", "-")) for text in errors.all_inner_texts())
    assert 0 < mean <= rmse
    assert r2 < 1
    assert playground.page.locator(".live-legend .live-bar").is_visible()
    facts = read(playground)
    assert (facts["Parameters"], facts["Operations per example"]) == ("105", "88")
    assert re.fullmatch(r"[\d.]+ m?s", facts["Time per epoch"])
    gap = float(facts["Test loss"]) - float(facts["Train loss"])
    shown = facts["Test loss \N{MINUS SIGN} training loss"].replace("\N{MINUS SIGN}", "-")
    assert math.isclose(float(shown), gap, abs_tol=2e-4)
