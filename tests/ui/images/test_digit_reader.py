"""The built-in network that recognizes drawings."""

from __future__ import annotations

import numpy as np
import pytest

from lab.queries.gallery import PAD_SIDE
from lab.worker.local_pool import LocalPool
from tests.lab.helpers import until
from ui.images.digit_reader import BUNDLED, LARGER, Reader

QUICK = BUNDLED.change(conv=(), hidden=(16,), epochs=6)


def trained(pool: LocalPool, quick: Reader) -> list[float]:
    """The progress that it reports."""
    said = []
    until(lambda: said.append(quick.advance(pool)) or said[-1] == 1)
    return said


def test_it_is_trained_in_small_calls_and_leaves_no_run():
    pool, quick = LocalPool(seconds_per_frame=0.001), Reader(QUICK)
    assert not quick.ready
    said = trained(pool, quick)
    assert len(said) > 2
    assert said == sorted(said)
    assert quick.ready
    assert pool.scheduler.runs == {}
    assert quick.advance(pool) == 1


def test_it_recognizes_a_drawing_and_its_clean_test_pictures():
    quick = Reader(QUICK)
    trained(LocalPool(), quick)
    ink = np.zeros((PAD_SIDE, PAD_SIDE), np.uint8)
    ink[10:70, 38:46] = 255
    header, arrays = quick.drawing(ink)
    assert not header["empty"]
    assert arrays["shares"].sum() == pytest.approx(1, abs=1e-5)
    right = [arrays["shares"].argmax() == header["truth"] for header, arrays in
             (quick.picture({"row": row}) for row in range(60))]  # fmt: skip
    assert np.mean(right) > 0.7
    counts = quick.picture({"row": 0})[1]["raw"] * (16 / 255)
    np.testing.assert_allclose(counts, np.rint(counts), atol=0.04)  # without the noise it was trained with


def test_a_lost_run_is_started_again():
    pool, quick = LocalPool(seconds_per_frame=0.001), Reader(QUICK)
    quick.advance(pool)
    pool.scheduler.runs.clear()
    assert quick.advance(pool) == 0
    assert trained(pool, quick)[-1] == 1


def test_it_trains_on_mnist_if_available_else_on_bundled_digits(monkeypatch):
    for available, expected in ((True, LARGER), (False, BUNDLED)):
        monkeypatch.setattr(type(LARGER.source), "available", lambda source, here=available: here)
        assert Reader().experiment == expected
