"""About how much memory a run takes, known before it is built: what does not fit is refused, not tried."""

from __future__ import annotations

from lab.experiment import Experiment

EVERY_RUN = 3.0  # MB: Python objects, curves, maps, and the checkpoint that waits to be sent
COPIES = 14  # of the parameters: gradients, moments, first, best and last sound weights, a checkpoint on its way
DATA = 30  # bytes for each number of the examples: float64 while they are made, float32 for training, buffers to look
CHUNK = 10_000  # examples that are evaluated at once, at most


def megabytes(e: Experiment) -> float:
    """An estimate that is rather too high; tests/lab/test_cost.py sets it beside what a process really takes."""
    size = 8 if e.dtype == "float64" else 4
    samples = e.samples or e.source.samples
    widest = [e.inputs, *e.hidden, e.outputs]
    if e.conv:
        height, width = e.source.image_shape or (0, 0)
        widest += [10 * filters * height * width for filters in e.conv]  # ten: a convolution unrolls its windows
    batch = min(e.batch_size or samples, samples)
    passed = (3 * batch + min(samples, CHUNK)) * sum(widest) * size
    return EVERY_RUN + (COPIES * e.parameters * size + DATA * samples * (e.inputs + 2) + passed) / 1e6
