"""A loss as a curve, and the outputs of a batch on it."""

from __future__ import annotations

import numpy as np
import pytest

from engine import LOSSES, OUTPUTS
from ui.functions.loss_shape import marks, shape, targets


@pytest.mark.parametrize("name", LOSSES)
def test_the_slope_that_is_drawn_is_the_slope_of_the_curve(name):
    loss = LOSSES[name]
    for target in targets(loss)[0]:
        y, curve = shape(loss, target)
        x = np.log(y / (1 - y)) if loss.on_logits else y  # the gradient of a loss on logits is that by z
        slope, smooth = np.gradient(curve.values, x), np.abs(np.gradient(curve.slope, x)) < 3
        np.testing.assert_allclose(slope[5:-5][smooth[5:-5]], curve.slope[5:-5][smooth[5:-5]], atol=0.02)
        assert smooth.mean() > 0.95


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("name", LOSSES)
def test_the_marks_of_a_batch_lie_on_the_curve_of_their_target(name, output):
    loss, rng = LOSSES[name], np.random.default_rng(0)
    z = rng.normal(0, 0.5, (30, 2))
    hit = np.eye(2)[rng.integers(0, 2, 30)]
    low, high = OUTPUTS[output].targets
    arrays = {"z": z, "y": OUTPUTS[output].forward(z), "t": low + (high - low) * hit}
    target = targets(loss)[1]
    found = marks(loss, target, output, arrays)
    if output not in loss.outputs:
        assert "does not fit this loss" in found.sentence
        assert len(found.places[0]) == 0
        return
    y, curve = shape(loss, target)
    assert len(found.places[0]) >= 20
    np.testing.assert_allclose(np.interp(found.places[0], y, curve.values), found.places[1], atol=2e-3)
