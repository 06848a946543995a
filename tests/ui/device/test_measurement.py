"""The comparison of devices as sentences and as a figure."""

from __future__ import annotations

import pytest

from ui.device.measurement import summary
from ui.figures.epoch_times import epoch_times


def row(device, width, batch, seconds):
    return {"device": device, "width": width, "batch": batch, "epoch_s": seconds}


CPU = [row("cpu", 16, 16, 0.2), row("cpu", 16, 64, 0.1), row("cpu", 64, 16, 0.5), row("cpu", 64, 64, 0.4)]


def test_the_cpu_alone_is_summarized_by_its_range():
    assert summary(CPU, None) == [
        "On the CPU an epoch of 60,000 images takes from 0.1 s (16 neurons, batch 64) to 0.5 s (64 neurons, batch 16)."
    ]
    assert summary([], None) == []


def test_the_summary_says_where_a_gpu_is_faster_and_by_how_much():
    card = [row("cuda:0", 16, 16, 0.4), row("cuda:0", 16, 64, 0.2), row("cuda:0", 64, 64, 0.05)]
    _, won, difference = summary([*CPU, *card], 3e-6)
    assert (
        won == "The GPU is faster from 64 neurons with batch 64; at 64 neurons with batch 64 it is 8.0 times as fast."
    )
    assert "at most 3e-06" in difference
    assert "not faster in any case" in summary([*CPU, *card[:2]], None)[1]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_width_and_device_has_a_line(theme):
    card = [row("cuda:0", cell["width"], cell["batch"], 0.3) for cell in CPU]
    figure = epoch_times([*CPU, *card], theme)
    lines = {(trace.name, trace.line.dash): (list(trace.x), list(trace.y)) for trace in figure.data}
    assert lines == {
        ("16 neurons, cpu", "solid"): ([16, 64], [0.2, 0.1]),
        ("16 neurons, cuda:0", "dot"): ([16, 64], [0.3, 0.3]),
        ("64 neurons, cpu", "solid"): ([16, 64], [0.5, 0.4]),
        ("64 neurons, cuda:0", "dot"): ([16, 64], [0.3, 0.3]),
    }
    assert [trace.name for trace in epoch_times(CPU, theme).data] == ["16 neurons", "64 neurons"]
