"""The cost of a live frame is measured on runs of the playground, including pictures from files."""

import pytest

from bench import frame


def test_every_experiment_has_a_row_with_the_share_of_frames(monkeypatch):
    monkeypatch.setenv("BACKPROP_DATA", "")  # restored after the test
    monkeypatch.setattr(frame, "PICTURES", {"train-images-idx3-ubyte": 300, "t10k-images-idx3-ubyte": 50})
    monkeypatch.setattr(frame, "FRAMES", 2)
    rows = frame.rows()
    assert [row["workload"] for row in rows] == list(frame.EXPERIMENTS)
    for row in rows:
        assert row["frame_kb"] > 1
        assert row["share"] == pytest.approx(row["frame_ms"] / 1000 * frame.FRAMES_PER_SECOND)
        assert row["share"] > 0
