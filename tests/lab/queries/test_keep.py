"""What is kept of a run, through a worker as well, and training it again there."""

from __future__ import annotations

import numpy as np
import pytest

from lab.experiment.experiment import Experiment
from lab.protocol.messages import Change, GetFrame, Repeat, Step
from lab.queries.table import ask
from lab.training.run import SAME_BITS
from tests.lab.helpers import SMALL, step, until
from ui.session.keeping import kept_run, repetition


def test_a_run_is_kept_and_trained_again_with_the_same_bits(pool):
    token = pool.open(SMALL)
    step(pool, token)
    changed = SMALL.change(learning_rate=0.3)
    pool.do(token, Change(changed))
    step(pool, token)
    kept = kept_run(*pool.ask(token, "keep"), changed, "ann")
    assert (kept.experiment, kept.epoch, kept.steps, kept.status) == (changed, 2, 6, "paused")
    assert kept.last.test_loss == pytest.approx(float(kept.curve.values[1, -1]))
    assert kept.last.validation_loss is None
    assert kept.replay.changes == ({"step": 3, "fields": {"learning_rate": 0.3}},)
    other = pool.open(Experiment())
    pool.do(other, Change(kept.experiment))
    command = repetition(kept)
    assert isinstance(command, Repeat)
    pool.do(other, command)

    def is_done() -> bool:
        pool.submit(other, GetFrame()).result()  # whoever looks lets it train
        return pool.state(other).status != "running"

    until(is_done)
    state = pool.state(other)
    assert (state.status, state.epoch, state.experiment) == ("paused", 2, changed)
    assert SAME_BITS in state.notice
    again = kept_run(*pool.ask(other, "keep"), changed, "ann")
    assert again.own_source == kept.own_source  # it is the same run, which the store keeps once
    np.testing.assert_array_equal(again.curve.values, kept.curve.values)


@pytest.mark.parametrize(
    ("fields", "kind", "shape"),
    [({}, "value", (40, 40)), ({"dataset": "spiral3"}, "class", (40, 40)), ({"dataset": "iris"}, "", None),
     ({"dataset": "digits", "hidden": (2,)}, "value", (16, 16)),
     ({"dataset": "digits", "conv": (4,)}, "value", (6, 6))],
)  # fmt: skip
def test_the_thumbnail_is_a_map_or_pictures_of_weights(make, fields, kind, shape):
    run = make(Experiment(samples=100, **fields))
    run.execute(Step())
    header, arrays = ask(run, "keep", {}, {})
    assert header["thumbnail"] == kind
    assert (arrays["thumbnail"].shape if kind else None) == shape
    assert "thumbnail" not in arrays or arrays["thumbnail"].dtype == np.uint8
