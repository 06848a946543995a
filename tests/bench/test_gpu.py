"""The GPU comparison with a simulated GPU, and its report without one."""

from __future__ import annotations

import json
import shutil

import pytest

from bench import __main__ as command
from bench import gpu
from bench.paired import Timing
from engine.backend import CPU, Backend, Device
from tests.engine.gpu import fake_cupy

KERNELS = "11 kernels for 10 samples"
ROW = {"workload", "peer", "ratio", "q1", "q3", "wall_ratio"}


class Processor:
    """Our engine on the CPU: a millisecond per step."""

    def __init__(self, *_):
        pass

    def ready(self):
        return "1.0"

    def __call__(self, steps):
        return Timing(steps, steps * 0.001, steps * 0.001)

    def close(self):
        pass


@pytest.fixture(autouse=True)
def _no_process(monkeypatch):
    monkeypatch.setattr(gpu, "Implementation", Processor)


def test_every_row_is_flat_and_has_the_cost_of_a_step(monkeypatch):
    monkeypatch.setattr(gpu, "Backend", lambda name: Backend(name, fake_cupy))
    monkeypatch.setattr(gpu.importlib.util, "find_spec", lambda name: None)
    report = gpu.measure(["W1-sgd"], rounds=1, cards=[Device("cuda:0", "A card")])
    (row,) = report["rows"]
    assert set(row) >= ROW
    assert (row["peer"], row["peer_us"], row["steps"]) == ("cpu", pytest.approx(1000), 50)
    assert row["ratio"] == pytest.approx(row["peer_us"] / row["our_us"])
    assert row["our_seconds"] == pytest.approx(row["our_us"] * 50 / 1e6)
    assert report["gpu"] == "A card"
    assert set(report["kernels"]) == {"W1-sgd"}
    assert report["kernels"]["W1-sgd"] == KERNELS or shutil.which("g++") is None
    assert report["missing"] == {peer: "PyTorch is not installed" for peer, variant in gpu.PEERS.items() if variant}


@pytest.mark.parametrize(("words", "rows"), [((), 0), (("--peers", "cpu", "--workload", "W1-sgd"), 1)])
def test_without_a_gpu_only_requested_peers_are_measured(monkeypatch, capsys, words, rows):
    monkeypatch.setattr(
        gpu, "available_devices", lambda: [CPU, Device("cuda:0", "GPU", "It is unplugged.", "Plug it.")]
    )
    assert command.main(["gpu", "--rounds", "1", "--json", *words]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["gpu"] == "No GPU was measured: It is unplugged. Plug it."
    assert [(row["peer"], row["ratio"]) for row in report["rows"]] == [("cpu", None)] * rows
