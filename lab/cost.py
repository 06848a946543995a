"""About how much memory a run takes, known before it is built: what does not fit is refused, not tried."""

from __future__ import annotations

from engine.network import WORKSPACE
from lab.experiment import Experiment

EVERY_RUN = 3.0  # MB: Python objects, curves, maps, and the checkpoint that waits to be sent
COPIES = 14  # of the parameters: gradients, moments, first, best and last sound weights, a checkpoint on its way
POINTS = 30  # bytes for each number of a table or of points: float64 while they are made, float32 for training
PIXELS = 6  # bytes for each pixel: as it was read, as an input in float32, and as the test part is shown
PASSES = 3  # arrays as large as what a batch becomes on its way: the way there, the way back, and one between


def megabytes(e: Experiment) -> float:
    """An estimate that is rather too high; tests/lab/test_bounds.py sets it beside what a process really takes."""
    size = 8 if e.dtype == "float64" else 4
    samples = e.samples or e.source.samples
    if e.source.image_shape:
        examples = (PIXELS + (size if size > 4 else 0)) * samples * e.inputs
    else:
        examples = POINTS * samples * (e.inputs + 2)
    widths = [e.inputs, *e.hidden, e.outputs]
    if e.conv:
        height, width = e.source.image_shape or (0, 0)
        widths += [10 * filters * height * width for filters in e.conv]  # ten: a convolution unrolls its windows
    at_once = max(1, WORKSPACE // max(widths))  # more samples go through in parts, but not where they are mixed
    batch = min(e.batch_size or samples, samples if e.batch_norm else at_once)
    passed = (PASSES * batch + 2 * min(samples, at_once)) * sum(widths) * size
    return EVERY_RUN + (COPIES * e.parameters * size + examples + passed) / 1e6
