"""The workloads, run by every implementation."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from bench.peers import PEERS
from bench.workloads import WORKLOADS, Workload, examples
from engine.c import compiler, executor
from engine.gpu.quantized_inputs import quantize

BATCH = 16
SMALL = {
    "sgd": Workload("", "", (2, 4, 1), 4 * BATCH, BATCH, "sgd", 0.1),
    "adam": Workload("", "", (784, 5, 10), 4 * BATCH, BATCH, "adam", 0.01),
    "full": Workload("", "", (784, 5, 10), 4 * BATCH, 4 * BATCH, "sgd", 0.1),
    "W5": Workload("W5", "", (2, 4, 1), 100 * 100, 100 * 100, "sgd", 0.0, "grid"),
    "W6": Workload("W6", "", (784, 10), 4 * BATCH, BATCH, "sgd", 0.01, "conv"),
}


@pytest.mark.parametrize("name", [name for name, workload in WORKLOADS.items() if workload.kind != "run"])
def test_examples_have_the_shape_of_the_workload(name):
    workload = WORKLOADS[name]._replace(samples=200) if WORKLOADS[name].kind != "grid" else WORKLOADS[name]
    x, y = examples(workload)
    assert x.shape == (workload.samples, workload.sizes[0])
    assert x.dtype == np.float32
    assert set(np.unique(y)) <= set(range(2 if workload.binary else 10))


def test_pictures_are_as_sparse_as_handwritten_digits():
    x, y = examples(WORKLOADS["W4"]._replace(samples=500))
    assert quantize([x])
    assert np.mean(x > 0) == pytest.approx(0.2, abs=0.01)
    assert len(np.unique(y)) == 10


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("peer", [peer for peer in PEERS if not peer.startswith(("pytorch", "jax"))])
def test_a_peer_runs_the_requested_steps(peer, kind, monkeypatch):
    monkeypatch.setenv(compiler.SWITCH_VARIABLE, "off")  # `make` changes both; they are restored afterwards
    monkeypatch.setattr(executor, "FIRST_STEP_WAIT_S", executor.FIRST_STEP_WAIT_S)
    if kind in PEERS[peer].skipped:
        assert kind == "W6" or (peer, kind) == ("our-tape", "W5")  # the only workloads that these peers skip
        return
    workload = SMALL[kind]
    run = importlib.import_module(f"bench.peers.{PEERS[peer].module}").make(
        workload, *examples(workload), PEERS[peer].variant
    )
    assert run(3) >= 3
    assert run(1) >= 1


@pytest.mark.parametrize("peer", ["seeds-way", "ours"])
def test_a_peer_learns(peer):
    workload = SMALL["sgd"]._replace(samples=500, batch=10)
    x, y = examples(workload)
    y = (x[:, 0] > 0).astype(np.int64)
    if peer == "ours":
        trainer = importlib.import_module("bench.peers.ours").build(workload, x, y)
        for _ in range(5):
            trainer.epoch()
        assert trainer.evaluate().train_score > 0.95
    else:
        network = importlib.import_module("bench.peers.seeds_way").Columns(workload)
        for _ in range(300):
            network.step(x.T.astype(float), y[None, :])
        assert np.mean((network.forward(x.T)[0][-1][0] > 0.5) == y) > 0.95
