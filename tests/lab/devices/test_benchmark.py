"""The measured comparison of devices: its cells, its limits, and its process."""

from __future__ import annotations

import numpy as np
import pytest

from engine.backend import Backend
from lab.devices import benchmark
from lab.devices.benchmark import ARITHMETIC, LAUNCHES, MEMORY, Busy, Comparison, limits, multiply_adds
from tests.engine.gpu import fake_cupy
from tests.lab.helpers import until


@pytest.fixture
def small(monkeypatch):
    for name, value in {
        "WIDTHS": (2, 3),
        "BATCHES": (512,),
        "CELL_S": 0.001,
        "SAMPLES": 600,
        "COMPARED_STEPS": 9,
    }.items():
        monkeypatch.setattr(benchmark, name, value)


def test_every_cell_and_the_loss_difference_are_measured(small, monkeypatch):
    monkeypatch.setattr(benchmark, "Backend", lambda name: Backend(name, fake_cupy))
    *rows, last = benchmark.measure(["cpu", "cuda:0"])
    assert [(row["device"], row["width"], row["batch"]) for row in rows] == [
        ("cpu", 2, 512), ("cuda:0", 2, 512), ("cpu", 3, 512), ("cuda:0", 3, 512),
    ]  # fmt: skip
    for row in rows:
        assert row["epoch_s"] == pytest.approx(row["step_us"] / 1e6 * 60_000 / 512)
        assert row["rate"] == pytest.approx(multiply_adds(row["width"], 512) / row["step_us"] / 1000)
    assert 0 <= last["difference"] < 1e-4


def test_one_device_has_no_difference(small):
    assert all("difference" not in row for row in benchmark.measure(["cpu"]))


def test_multiply_adds_leave_out_the_gradient_of_the_pixels():
    trainer = benchmark.trainer(16, 64, "cpu")
    forward = sum(line.multiply_adds for line in trainer.network.summary())
    assert multiply_adds(16, 64) == 64 * (3 * forward - 784 * 16)


def test_each_cell_is_judged_among_the_cells_of_its_device():
    def row(device, step_us, rate):
        return {"device": device, "step_us": step_us, "rate": rate}

    rows = [row("cpu", 10, 1), row("cpu", 15, 8), row("cpu", 100, 10), row("cpu", 90, 3), row("cuda:0", 90, 1)]
    assert limits(rows) == [LAUNCHES, LAUNCHES, ARITHMETIC, MEMORY, LAUNCHES]


def test_one_comparison_runs_at_a_time_and_can_be_stopped():
    job = Comparison(["cpu"])
    try:
        with pytest.raises(Busy, match="Another measurement"):
            Comparison(["cpu"])
        until(lambda: len(job.rows) >= 2)
        assert job.running
    finally:
        job.stop()
    assert not job.running
    assert job.problem == ""
    assert 2 <= len(job.rows) < job.total
    assert np.isfinite([row["epoch_s"] for row in job.rows]).all()


def test_a_failed_comparison_is_reported_and_allows_another():
    job = Comparison(["no such device"])
    until(lambda: not job.running)
    assert job.problem == "The measurement ended early (exit status 1)."
    other = Comparison(["cpu"])
    other.stop()
