"""A loss as a curve over the prediction, and where the outputs of a batch lie on it. Computed by the engine's loss."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from data.counted import counted
from engine.formulas.losses import OUTPUTS, Loss
from ui.figures.function_shapes import Curve

DISTANCES = ("mse", "mae", "huber")  # depend on y - t alone
TARGET_TOLERANCE = 0.025  # closer targets count as the chosen one


class Marks(NamedTuple):
    places: tuple[np.ndarray, np.ndarray]  # predictions and losses
    sentence: str


def targets(loss: Loss) -> tuple[list[float], float]:
    """Targets that can be chosen, and the first choice."""
    if loss.on_logits:
        return [n / 10 for n in range(11)], 1.0
    return ([-1.0, 1.0], 1.0) if loss.name == "hinge" else ([n / 4 for n in range(-8, 9)], 0.0)


def shape(loss: Loss, target: float) -> tuple[np.ndarray, Curve]:
    """y (N,) and the engine's loss there. For categorical cross-entropy y is the probability of one of two classes."""
    y = np.linspace(0.002, 0.998, 499) if loss.on_logits else np.linspace(-3, 3, 481)
    given, t = y[:, None], np.full((len(y), 1), float(target))
    if loss.on_logits:
        given = np.log(given / (1 - given))  # the z that gives this y
    if loss.name == "categorical_crossentropy":
        given, t = np.concatenate([given, 0 * given], axis=1), np.concatenate([t, 1 - t], axis=1)
    return y, Curve(loss.label, loss.value(given, t)[:, 0], loss.gradient(given, t, 1.0)[:, 0])


def marks(loss: Loss, target: float, output: str, arrays: dict[str, np.ndarray]) -> Marks:
    """The outputs of a batch, z, y and t (N, O), as marks on the curve of a target, and a sentence about them."""
    nothing = np.zeros(0), np.zeros(0)
    if output not in loss.outputs:
        label = OUTPUTS[output].label
        return Marks(
            nothing, f"The output function of this network, {label}, does not fit this loss, so there are no marks."
        )
    z, y, t = (arrays[name].astype(np.float64) for name in "zyt")
    if loss.name == "categorical_crossentropy":
        right = t.argmax(axis=1)
        places = y[np.arange(len(y)), right], loss.value(z, t)[:, 0]
        if abs(target - 1) > TARGET_TOLERANCE:
            return Marks(nothing, "The marks lie on the curve of target 1: move the slider there.")
        return Marks(places, f"The marks are this batch, {counted(len(y), 'point')}.")
    given, y, t = (values.reshape(-1, 1) for values in (z if loss.on_logits else y, y, t))
    heights = loss.value(given, t)[:, 0]
    if loss.name in DISTANCES:
        moved = "Each is as far from the chosen target as its prediction is from its own target."
        sentence = f"The marks are this batch, {counted(len(y), 'residual')}. {moved}"
        return Marks((target + (y - t)[:, 0], heights), sentence)
    here = np.abs(t[:, 0] - target) < TARGET_TOLERANCE
    sentence = f"The marks are the {here.sum()} of {len(y)} outputs of this batch whose target is {target:g}."
    return Marks((y[here, 0], heights[here]), sentence)
