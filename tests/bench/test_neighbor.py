"""The neighbor of the largest experiments: its command line, and what the rows say."""

from __future__ import annotations

from bench import neighbor
from bench.__main__ import arguments


def test_the_command_line_takes_rounds_and_workloads():
    options = arguments(["neighbor", "--rounds", "2", "--workload", "deep,nobody"])
    assert options == {"what": "neighbor", "json": False, "rounds": 2, "workloads": ["deep", "nobody"]}
    assert set(arguments(["neighbor"])["workloads"]) == set(neighbor.WORKLOADS)


def test_a_row_has_the_longest_wait_or_the_reason_of_the_refusal():
    names = ["nobody", "wide, all samples", "convolution"]
    alone, refused, admitted = neighbor.measure(names, seconds=0.5)
    assert (alone["opening_ms"], alone["refused"]) == (None, "")
    assert alone["training_ms"] > 0
    assert (refused["opening_ms"], refused["training_ms"]) == (None, None)
    assert "a step or an evaluation of this takes about" in refused["refused"]
    assert min(admitted["opening_ms"], admitted["training_ms"]) > 0
    assert admitted["steps"] >= 1
