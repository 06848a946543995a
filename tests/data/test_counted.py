"""Numbers with their nouns."""

from __future__ import annotations

import pytest

from data.counted import counted, tied


@pytest.mark.parametrize(("number", "text"), [(0, "0 epochs"), (1, "1 epoch"), (2, "2 epochs"), (2000, "2,000 epochs")])
def test_one_is_singular(number, text):
    assert counted(number, "epoch") == text


def test_ties_for_the_best_result_are_counted():
    assert tied([0.5, 0.1, None, 0.1], 0.1, "value") == ", tied with 1 other value"
    assert tied([1.0] * 4, 1.0, "pair") == ", tied with 3 other pairs"
    assert tied([0.5, 0.1], 0.1, "value") == ""
