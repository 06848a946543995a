"""What a live frame costs is measured on runs like those of the playground, pictures from files among them."""

import pytest

from bench import frame


def test_every_experiment_has_a_row_with_the_share_of_frames(monkeypatch):
    monkeypatch.setenv("BACKPROP_DATA", "")  # so that it is as before when the test is over
    monkeypatch.setattr(frame, "PICTURES", {"train-images-idx3-ubyte": 300, "t10k-images-idx3-ubyte": 50})
    monkeypatch.setattr(frame, "FRAMES", 2)
    rows = frame.rows()
    assert [row["workload"] for row in rows] == list(frame.EXPERIMENTS)
    for row in rows:
        assert row["frame_kb"] > 1
        assert row["share"] == pytest.approx(row["frame_ms"] / 1000 * frame.FRAMES_PER_SECOND)
        assert row["share"] > 0
