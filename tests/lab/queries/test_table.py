"""Queries about a run, in this process and through a worker."""

from __future__ import annotations

import numpy as np
import pytest

from engine.training import checkpoint
from lab.experiment.experiment import Experiment, ExperimentError
from lab.protocol.messages import Step
from lab.queries.table import QUERIES
from lab.training.build import build


def test_the_weights_that_are_answered_are_those_of_the_run(pool):
    token = pool.open(Experiment())
    pool.do(token, Step())
    header, arrays = pool.ask(token, "weights")
    _, trainer = build(Experiment())
    trainer.epoch()
    assert header["epoch"] == 1
    expected = checkpoint.capture(trainer)
    assert arrays.keys() == expected.keys()
    np.testing.assert_array_equal(arrays["parameters"], expected["parameters"])


def test_an_unknown_query_is_refused(pool):
    token = pool.open(Experiment())
    with pytest.raises(ExperimentError, match=f"not a query; allowed: {', '.join(QUERIES)}"):
        pool.ask(token, "password")


def test_points_are_those_in_use_with_drawn_class_numbers(pool):
    drawn = [[-4, 4, 0], [-4, 2, 0], [4, -4, 2], [4, -2, 2]]
    experiment = Experiment(dataset="drawn", points=drawn, train_share=0.5)
    header, arrays = pool.ask(pool.open(experiment), "points")
    dataset = build(experiment).dataset
    np.testing.assert_array_equal(arrays["points"], np.concatenate([dataset.points_train, dataset.points_test]))
    assert header["parts"] == {"train": 2, "test": 2}
    assert [label == 1 for label in arrays["labels"]] == [x < 0 for x in arrays["points"][:, 0]]
    assert set(arrays["labels"].tolist()) == {1, 3}


def test_points_are_counted_by_part_in_their_order(pool):
    experiment = Experiment(validation_share=0.2)
    header, arrays = pool.ask(pool.open(experiment), "points")
    dataset = build(experiment).dataset
    assert list(header["parts"]) == ["train", "validation", "test"]
    assert list(header["parts"].values()) == [len(dataset.part("y", name)) for name in header["parts"]]
    start = header["parts"]["train"]
    held_out = arrays["points"][start : start + header["parts"]["validation"]]
    np.testing.assert_array_equal(held_out, dataset.points_validation)


def test_regression_points_have_values_and_tables_none(pool):
    _, arrays = pool.ask(pool.open(Experiment(dataset="plane")), "points")
    assert len(set(arrays["labels"].tolist())) > 100
    with pytest.raises(ExperimentError, match="allowed: the data sets of the plane"):
        pool.ask(pool.open(Experiment(dataset="iris")), "points")
