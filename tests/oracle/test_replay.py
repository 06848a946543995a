"""Random experiments, trained by the engine and again by PyTorch. More of them: python -m tests.oracle --runs 3000"""

from __future__ import annotations

import pytest

from data import DATASETS
from engine import ACTIVATIONS, LOSSES, OPTIMIZERS, OUTPUTS, SCHEDULES
from tests.oracle.experiments import random_experiment, simplest

SEED, RUNS = 3, 40
EXPERIMENTS = [random_experiment(SEED, number) for number in range(RUNS)]


def test_pytorch_trains_random_experiments_alike(replay):
    comparisons = []
    for e in EXPERIMENTS:
        comparisons.append(replay.compare(e))
        if not comparisons[-1].agrees:
            pytest.fail(str(simplest(e, lambda e: not replay.agrees(e)).to_query()))
    repeated = [comparison for comparison in comparisons if comparison.step_error is not None]
    assert len(repeated) <= RUNS / 5, "too many free runs drift apart"


@pytest.mark.parametrize(
    ("table", "used"),
    [
        (ACTIVATIONS, lambda e: e.activation_names),
        (OUTPUTS, lambda e: [e.output]),
        (LOSSES, lambda e: [e.loss]),
        (OPTIMIZERS, lambda e: [e.optimizer]),
        (SCHEDULES, lambda e: [e.schedule]),
    ],
)
def test_the_sample_has_every_record_of_a_table(table, used):
    assert {name for e in EXPERIMENTS for name in used(e)} == set(table)


def test_the_sample_has_every_kind_of_layer_and_data():
    kinds = [
        (bool(e.conv), e.batch_norm, e.dropout > 0, e.residual, e.class_weights == "balanced", e.label_smoothing > 0)
        for e in EXPERIMENTS
    ]
    assert all({True, False} == set(values) for values in zip(*kinds, strict=True))
    assert {DATASETS[e.dataset].kind for e in EXPERIMENTS} == {"classification", "regression"}
