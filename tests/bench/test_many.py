"""Groups of runs are measured, and beside JAX where it is installed."""

from __future__ import annotations

import pytest

from bench import many
from bench.paired import Timing
from bench.processes import Missing
from lab.experiment.experiment import Experiment
from lab.experiment.group import Group


class Jax:
    """A peer that trains 32 runs in 64 s."""

    def __init__(self, peer: str, workload: str) -> None:
        assert (peer, workload) == many.JAX

    def ready(self) -> str:
        return "jax"

    def __call__(self, steps: int) -> Timing:
        return Timing(steps, 70.0 * steps, 64.0 * steps)

    def close(self) -> None:
        pass


class NoJax(Jax):
    def ready(self) -> str:
        raise Missing("no module named jax")


def rows(module: str, name: str, rounds: str) -> list[dict]:
    return [{"workload": name, "seconds": 2.0, "first_ms": 1.0, "pictures_per_second": 3.0}]


@pytest.mark.parametrize(("start", "ratios"), [(Jax, [30, 200, None]), (NoJax, [None] * 3)])
def test_ratios_to_jax_are_those_of_the_same_number_of_runs(monkeypatch, start, ratios):
    monkeypatch.setattr(many, "rows_of", rows)
    report = many.measure(list(many.WORKLOADS), rounds=1, start=start)
    assert [row["jax_ratio"] for row in report["rows"]] == ratios
    assert list(report["rows"][0]) == ["workload", "seconds", "first_ms", "pictures_per_second", "jax_ratio"]
    assert ("jax-runs" in report["missing"]) == (start is NoJax)


def test_a_group_is_trained_to_its_end():
    group = Group(Experiment(samples=60, hidden=(4,)), "learning_rate", (0.03, 0.1), 2, epochs=3)
    row = many.measured("small", group, 1)
    assert 0 < row["first_ms"] / 1000 < row["seconds"]
    assert row["pictures_per_second"] == pytest.approx(4 / row["seconds"])


def test_the_workloads_are_those_of_the_compare_page():
    assert [len(group.members) for group in many.WORKLOADS.values()] == [30, 200, 64]
    assert {group.epochs for group in many.WORKLOADS.values()} == {100}
