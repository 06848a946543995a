"""The comparison with PyTorch notices wrong formulas: each test changes one expression of the engine."""

from __future__ import annotations

from collections.abc import Callable
from inspect import getsource, unwrap
from textwrap import dedent
from typing import Any

import pytest

from engine.formulas import activations, losses, regularizers, schedules
from engine.formulas.losses import Objective
from engine.formulas.optimizers import AdaGrad, Adam, AdamW, Nesterov, Optimizer
from engine.network import convolution
from engine.network.layers import Dropout
from engine.network.normalization import BatchNorm
from engine.step.gradient import differentiate
from engine.step.progress import Progress
from engine.step.update import update
from lab.experiment.experiment import Experiment

CLIP_VALUE, CLIP_NORM = (
    f"    if s.{name}:\n        record_call(like, {call})\n"
    for name, call in (
        ("clip_value", "np.clip, network.gradients, -s.clip_value, s.clip_value, network.gradients"),
        ("clip_norm", "clip_by_norm, network.gradients, s.clip_norm"),
    )
)
CLASSES: dict[str, Any] = {"dataset": "iris", "output": "softmax"}
PICTURES: dict[str, Any] = {"dataset": "digits", "conv": (2,), "samples": 40}
MUTATIONS: dict[str, tuple[Callable, str, str, dict[str, Any]]] = {  # (function, expression, wrong one, experiment)
    "constant of GELU": (activations._gelu, "CUBIC * z * z", "0.0447 * z * z", {"activations": "gelu"}),
    "axis of softmax": (losses._softmax_back, "axis=1", "axis=0", CLASSES | {"loss": "mse"}),
    "kink of the hinge": (losses._hinge_gradient, "< 1", "< 0", {"loss": "hinge"}),
    "mean over the outputs": (losses._mean, "errors.mean(", "errors.sum(", CLASSES | {"loss": "mse"}),
    "samples of a class": (
        losses.balanced_weights, "np.bincount(labels, minlength=classes)", "(1 + np.bincount(labels))",
        {"balance": 0.2, "class_weights": "balanced"},
    ),
    "number of smoothed answers": (Objective.targets, "/ choices", "/ self.units", {"label_smoothing": 0.1}),
    "biased running variance": (
        BatchNorm.forward, "batch_variance * (n /", "batch_variance * (1 + 0 * n /", {"batch_norm": True}
    ),
    "epsilon outside the root": (
        BatchNorm.forward, "np.sqrt(batch_variance + self.epsilon)", "(np.sqrt(batch_variance) + self.epsilon)",
        {"batch_norm": True},
    ),
    "kernel transposed": (
        convolution.patches_of, "windows.transpose(0, 1, 5, 4, 2, 3)", "windows.transpose(0, 1, 4, 5, 2, 3)", PICTURES
    ),
    "gradient of equal pixels": (convolution.pool_gradient, "dy = dy - part", "dy = dy", PICTURES),
    "weight of a part of a batch": (
        differentiate, "objective.count(t[part]) / objective.count(t)", "0.5",
        {"dataset": "mnist", "samples": 60, "conv": (32,), "batch_size": 0},
    ),
    "dropped share": (Dropout.forward, ">= self.rate", "< self.rate", {"dropout": 0.3}),
    "look ahead of Nesterov": (Nesterov.update, "self.beta * v)", "v)", {"optimizer": "nesterov"}),
    "epsilon inside the root": (
        AdaGrad.update, "np.sqrt(s) + self.epsilon", "np.sqrt(s + self.epsilon)", {"optimizer": "adagrad"}
    ),
    "bias correction": (Optimizer.advance, "+= 1", "+= 2", {"optimizer": "adam"}),
    "epsilon of Adam": (Adam.update, "corrected_epsilon", "epsilon", {"optimizer": "adam"}),
    "decay of biases": (AdamW.shrink, " * trace_like(p, self.decays[block])", "", {"optimizer": "adamw"}),
    "clipping in the wrong order": (
        update, CLIP_VALUE + CLIP_NORM, CLIP_NORM + CLIP_VALUE, {"clip_value": 0.01, "clip_norm": 0.03}
    ),
    "half of L2": (regularizers._l2_gradient, "rate * W", "2 * rate * W", {"l2": 0.01}),
    "axis of the norm": (regularizers._max_norm_project, "axis=0", "axis=1", {"max_norm": 0.5}),
    "step of the schedule": (schedules._step, "int(", "round(", {"schedule": "step", "schedule_span": 3.0}),
    "schedule a batch early": (
        Progress.fractional_epoch.fget, "self.position /", "(self.position + 10) /", {"schedule": "cosine"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_wrong_formula_is_noticed(replay, monkeypatch, name):
    function, expression, wrong, fields = MUTATIONS[name]
    experiment = Experiment(**({"samples": 40, "hidden": (5,), "dtype": "float64"} | fields))
    assert replay.agrees(experiment)
    source, changed = dedent(getsource(function)), {}
    assert source.count(expression) == 1
    exec(source.replace(expression, wrong), function.__globals__, changed)
    wrong_function = getattr(changed[function.__name__], "fget", changed[function.__name__])
    monkeypatch.setattr(unwrap(function), "__code__", unwrap(wrong_function).__code__)
    assert not replay.agrees(experiment)
