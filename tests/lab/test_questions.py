"""What a page asks of a run, in this process and through a worker."""

from __future__ import annotations

import numpy as np
import pytest

from engine import checkpoint
from lab.build import build
from lab.experiment import Experiment, ExperimentError
from lab.pool import LocalPool, WorkerPool
from lab.questions import QUESTIONS


@pytest.fixture(scope="module", params=[LocalPool, WorkerPool], ids=["here", "worker"])
def pool(request):
    if request.param is LocalPool:
        yield LocalPool()
    else:
        workers = WorkerPool(1)
        workers.start()
        yield workers
        workers.stop()


def test_the_weights_that_are_answered_are_those_of_the_run(pool):
    token = pool.open(Experiment())
    pool.step(token)
    header, arrays = pool.ask(token, "weights")
    _, trainer = build(Experiment())
    trainer.epoch()
    assert header["epoch"] == 1
    expected = checkpoint.capture(trainer)
    assert arrays.keys() == expected.keys()
    np.testing.assert_array_equal(arrays["parameters"], expected["parameters"])


def test_a_question_that_is_not_in_the_table_is_refused_with_the_list_of_those_that_are(pool):
    token = pool.open(Experiment())
    with pytest.raises(ExperimentError, match=f"no question; allowed: {', '.join(QUESTIONS)}"):
        pool.ask(token, "password")
