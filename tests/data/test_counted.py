"""Numbers with their nouns."""

from __future__ import annotations

import pytest

from data.counted import counted


@pytest.mark.parametrize(("number", "text"), [(0, "0 epochs"), (1, "1 epoch"), (2, "2 epochs"), (2000, "2,000 epochs")])
def test_one_is_singular(number, text):
    assert counted(number, "epoch") == text
