"""The bias of selection is measured on points that took no part in a run."""

import numpy as np
import pytest

from bench import selection
from bench.__main__ import arguments


def test_a_row_compares_both_parts_with_fresh_points():
    rows = selection.measure(["circle"], seeds=2)
    assert [row["monitor"] for row in rows] == ["validation_loss", "validation_score"]
    for row in rows:
        assert (row["data"], row["seeds"]) == ("circle", 2)
        assert abs(row["fresh"] - 0.5) < 0.05  # labels are coin flips
        for part in ("validation", "test"):
            assert row[f"{part}_minus_fresh"] == pytest.approx(row[part] - row["fresh"])
            assert row[f"{part}_error"] >= 0


def test_the_error_is_that_of_a_mean():
    found = selection._difference("test", np.array([0.1, 0.3, 0.2, 0.2]))
    assert found["test_minus_fresh"] == pytest.approx(0.2)
    assert found["test_error"] == pytest.approx(np.sqrt(0.02 / 3) / 2)


def test_the_command_takes_the_number_of_seeds():
    options = {"what": "selection", "json": False, "workloads": ["moons"], "seeds": 3}
    assert arguments(["selection", "--workload", "moons", "--seeds", "3"]) == options
