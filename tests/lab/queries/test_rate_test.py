"""The range test as a query."""

from __future__ import annotations

import numpy as np

from engine.training.rate_finder import find_rate
from lab.experiment.experiment import Experiment
from lab.worker.local_pool import LocalPool


def test_the_answer_is_the_range_test_of_the_engine():
    pool = LocalPool()
    token = pool.open(Experiment(optimizer="adam"))
    header, arrays = pool.ask(token, "rate_test", {"from_start": False})
    expected = find_rate(pool.scheduler.runs[token].trainer, steps=100)
    np.testing.assert_array_equal(arrays["losses"], expected.losses)
    np.testing.assert_array_equal(arrays["rates"], expected.rates)
    suggestion = float(f"{expected.suggestion:.1g}")
    assert header == {"suggestion": suggestion, "epoch": 0, "optimizer": "adam", "part": "train", "samples": 375}


def test_where_no_rate_helps_there_is_no_suggestion():
    pool = LocalPool()
    token = pool.open(Experiment())
    pool.scheduler.runs[token].trainer.network.parameters[:] = np.nan
    header, arrays = pool.ask(token, "rate_test", {"from_start": False})
    assert header["suggestion"] is None
    assert len(arrays["rates"]) == len(arrays["losses"]) == 0


def test_a_large_network_tries_fewer_rates():
    pool = LocalPool()
    token = pool.open(Experiment(hidden=(256, 256), batch_size=0))
    _, arrays = pool.ask(token, "rate_test", {"from_start": False})
    assert 0 < len(arrays["rates"]) <= 20


def test_the_examples_of_the_selecting_part_are_counted():
    pool = LocalPool()
    token = pool.open(Experiment(validation_share=0.2))
    header, _ = pool.ask(token, "rate_test", {"from_start": False})
    examples = len(pool.scheduler.runs[token].dataset.y_validation)
    assert (header["part"], header["samples"]) == ("validation", examples)


def test_the_initial_weights_are_tested_after_training_as_before():
    pool = LocalPool()
    token = pool.open(Experiment())
    _, before = pool.ask(token, "rate_test", {"from_start": True})
    for _ in range(300):
        pool.scheduler.runs[token].trainer.epoch()
    header, after = pool.ask(token, "rate_test", {"from_start": True})
    np.testing.assert_array_equal(after["losses"], before["losses"])
    assert (header["epoch"], header["suggestion"] is not None) == (0, True)
    header, _ = pool.ask(token, "rate_test", {"from_start": False})
    assert (header["epoch"], header["suggestion"]) == (300, None)  # what is trained gets no suggestion from noise
