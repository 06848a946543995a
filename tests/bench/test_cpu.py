"""The command and its report, with fake implementations."""

from __future__ import annotations

import json

import pytest

from bench import __main__ as command
from bench import cpu
from bench.paired import Timing
from bench.peers import OURS, PEERS
from bench.processes import Implementation, Missing

ROW = {"workload", "peer", "ratio", "q1", "q3", "wall_ratio"}
COSTS = {OURS: 0.01, "pytorch-eager": 0.05, "blas-floor": 0.005}


class Fake:
    """An implementation that is ready at once, or missing without an entry in COSTS."""

    closed: list[str]

    def __init__(self, peer: str, workload: str, data_dir: str, root: str = "") -> None:
        self.peer = root or peer

    def ready(self) -> str:
        if self.peer not in COSTS:
            raise Missing(f"No module named {self.peer!r}")
        return "1.0"

    def __call__(self, steps: int) -> Timing:
        return Timing(steps, steps * COSTS[self.peer], steps * COSTS[self.peer])

    def close(self) -> None:
        self.closed.append(self.peer)


@pytest.fixture(autouse=True)
def _closed():
    Fake.closed = []


def test_a_row_is_flat_and_has_the_cost_ratio():
    report = cpu.measure(["W1-sgd"], ["pytorch-eager", "blas-floor"], rounds=2, start=Fake)
    torch, floor = report["rows"]
    assert set(torch) >= ROW
    assert (torch["workload"], torch["peer"]) == ("W1-sgd", "pytorch-eager")
    assert (torch["ratio"], floor["ratio"]) == pytest.approx((5, 0.5))
    assert torch["our_samples_per_second"] == pytest.approx(10 / 0.01)
    assert not any(isinstance(value, (list, dict)) for value in torch.values())


def test_another_checkout_is_measured_beside_this_one(monkeypatch):
    monkeypatch.setitem(COSTS, "../old", 0.02)
    report = cpu.measure(["W1-sgd"], ["blas-floor"], rounds=2, before="../old", start=Fake)
    assert [(row["peer"], row["ratio"]) for row in report["rows"]] == [("blas-floor", 0.5), ("before", 2)]


def test_a_missing_peer_is_named_and_skipped():
    report = cpu.measure(["W1-sgd", "W3-sgd-64"], ["jax-jit", "pytorch-eager"], rounds=1, start=Fake)
    assert report["missing"] == {"jax-jit": "No module named 'jax-jit'"}
    assert [row["peer"] for row in report["rows"]] == ["pytorch-eager"] * 2
    assert "missing: jax-jit: No module named 'jax-jit'" in command.text(report)


def test_every_implementation_is_closed_after_an_error(monkeypatch):
    monkeypatch.setitem(COSTS, "pytorch-eager", None)
    with pytest.raises(TypeError):
        cpu.measure(["W1-sgd"], ["pytorch-eager"], rounds=1, start=Fake)
    assert sorted(Fake.closed) == [OURS, "pytorch-eager"]


def test_a_peer_skips_workloads_it_does_not_implement():
    report = cpu.measure(["W6"], ["scikit-learn", "blas-floor"], rounds=1, start=Fake)
    assert [row["peer"] for row in report["rows"]] == ["blas-floor"]
    assert report["missing"] == {}


def test_every_target_has_a_workload_and_a_peer():
    for peer, targets in cpu.TARGETS.items():
        assert set(targets) <= set(cpu.NETWORKS) - set(PEERS[peer].skipped)


def test_the_command_prints_one_json_object_with_rows(monkeypatch, capsys):
    monkeypatch.setattr(cpu, "measure", lambda **options: {"rows": [options]})
    assert command.main(["cpu", "--workload", "W1-sgd,W2", "--peers", "jax-jit", "--rounds", "3", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["rows"] == [{"workloads": ["W1-sgd", "W2"], "peers": ["jax-jit"], "rounds": 3}]
    assert len(report["load_before"]) == len(report["load_after"]) == 3


@pytest.mark.parametrize("words", [["--workload", "W9"], ["--peers", "tensorflow"], ["--rounds", "0"]])
def test_invalid_options_are_refused_with_the_allowed_ones(words, capsys):
    with pytest.raises(SystemExit):
        command.main(["cpu", *words])
    assert "there are" in capsys.readouterr().err or words[0] == "--rounds"


def test_a_table_is_aligned_and_leaves_missing_numbers_empty():
    lines = command.table(
        [{"peer": "a", "ratio": 1.23456, "target": None}, {"peer": "long", "ratio": 2.0, "target": 3}]
    )
    assert lines.splitlines() == ["peer  ratio  target", "   a  1.235        ", "long      2       3"]


def test_our_process_runs_at_least_the_requested_steps():
    ours = Implementation(OURS, "W1-sgd")
    try:
        assert ours.ready().startswith("numpy ")
        timing = ours(30)
        assert timing.steps >= 30
        assert timing.cpu > 0
    finally:
        ours.close()
    assert ours.process.returncode == 0


def test_a_process_that_fails_to_start_reports_the_reason():
    broken = Implementation("scikit-learn", "W3-sgd-64", "no such folder")
    with pytest.raises(Missing, match="no such folder"):
        broken.ready()
    assert broken.process.returncode == 0
