"""Removing an optimization changes the cost of a step, not its result."""

from __future__ import annotations

import numpy as np
import pytest

from bench import ablation
from bench.peers import ours
from bench.workloads import WORKLOADS, examples


def after_an_epoch() -> np.ndarray:
    """The parameters of a tiny network after 50 steps."""
    workload = WORKLOADS["W1-sgd"]
    trainer = ours.build(workload, *examples(workload))
    for _ in range(50):
        trainer.play()
    return trainer.network.parameters


@pytest.mark.parametrize("name", ablation.TRICKS)
def test_a_step_without_an_optimization_gives_the_same_result(name):
    expected = after_an_epoch()
    with ablation.TRICKS[name].without():
        np.testing.assert_allclose(after_an_epoch(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ablation.TRICKS)
def test_an_optimization_is_restored_afterwards(name):
    owner, attribute, plain = ablation.TRICKS[name].plain
    with ablation.TRICKS[name].without():
        assert getattr(owner, attribute) is plain
    assert getattr(owner, attribute) is not plain
