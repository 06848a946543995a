"""Loss functions: value and gradient side by side. y is the prediction and t the target, both (N, O).

Cross-entropies are written on z, the value before the output function: there the formula never takes the logarithm of
zero, and its gradient is y - t. `Objective` combines a loss with an output function and picks the right form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from engine.formulas.activations import ACTIVATIONS


class Loss(NamedTuple):
    name: str
    label: str
    value: Callable  # (y, t) -> (N, 1), the loss of each sample; (z, t) for a loss on logits
    gradient: Callable  # (y, t, share) -> dL/dy (N, O); dL/dz for a loss on logits; share: the weight of a sample in L
    outputs: tuple[str, ...]  # compatible output functions; the first is the usual one
    kinds: tuple[str, ...]  # kinds of problem
    on_logits: bool  # the output function is part of the formula
    formula: str  # LaTeX, for one sample with O outputs
    sentence: str


def softmax(z):
    """Logits (N, O) -> probabilities (N, O). Subtracting the largest logit of each row prevents overflow."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _mean(errors):  # (N, O) -> (N, 1)
    return errors.mean(axis=1, keepdims=True)


def _mse(y, t):
    return _mean((y - t) ** 2)


def _mse_gradient(y, t, share):
    return (y - t) * (2 * share / y.shape[1])


def _mae(y, t):
    return _mean(np.abs(y - t))


def _mae_gradient(y, t, share):
    return np.sign(y - t) * (share / y.shape[1])


def _huber(y, t):
    error = np.abs(y - t)
    small = np.minimum(error, 1)
    return _mean(small * (error - 0.5 * small))  # e^2 / 2 up to 1, then e - 1/2


def _huber_gradient(y, t, share):
    return np.maximum(np.minimum(y - t, 1), -1) * (share / y.shape[1])


def _binary_crossentropy(z, t):
    return _mean(np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z))))


def _binary_crossentropy_gradient(z, t, share):
    return (ACTIVATIONS["sigmoid"].forward(z) - t) * (share / z.shape[1])


def _categorical_crossentropy(z, t):
    z = z - z.max(axis=1, keepdims=True)
    return (t * (np.log(np.exp(z).sum(axis=1, keepdims=True)) - z)).sum(axis=1, keepdims=True)


def _categorical_crossentropy_gradient(z, t, share):
    return (softmax(z) - t) * share  # because each row of t adds up to one


def _hinge(y, t):
    return _mean(np.maximum(1 - t * y, 0))


def _hinge_gradient(y, t, share):
    return t * (t * y < 1) * (-share / y.shape[1])


CLASSES, NUMBERS = ("classification",), ("classification", "regression")
FOR_NUMBERS = ("linear", "tanh", "sigmoid", "softmax")

LOSSES = {
    loss.name: loss
    for loss in (
        Loss(
            "mse", "Mean squared error", _mse, _mse_gradient, FOR_NUMBERS, NUMBERS, False,
            r"\frac{1}{O}\sum (y - t)^2",
            "Large errors count most; the natural loss for numbers, but a few wild values can rule it."),
        Loss(
            "mae", "Mean absolute error", _mae, _mae_gradient, FOR_NUMBERS, NUMBERS, False,
            r"\frac{1}{O}\sum |y - t|",
            "Wild values count no more than their distance; its slope never shrinks, so it never settles."),
        Loss(
            "huber", "Huber", _huber, _huber_gradient, FOR_NUMBERS, NUMBERS, False,
            r"\frac{1}{O}\sum \left[\tfrac12 e^2 \text{ if } e \le 1 \text{ else } e - \tfrac12\right],"
            r"\quad e = |y - t|",
            "Squared for errors up to 1, absolute beyond: calm at the end and not ruled by wild values."),
        Loss(
            "binary_crossentropy", "Binary cross-entropy", _binary_crossentropy, _binary_crossentropy_gradient,
            ("sigmoid",), CLASSES, True,
            r"-\frac{1}{O}\sum \left[t \ln y + (1 - t) \ln (1 - y)\right]",
            "Each output answers yes or no; being surely wrong costs without limit."),
        Loss(
            "categorical_crossentropy", "Categorical cross-entropy", _categorical_crossentropy,
            _categorical_crossentropy_gradient, ("softmax",), CLASSES, True,
            r"-\sum t \ln y",
            "One class out of several; the natural loss for softmax."),
        Loss(
            "hinge", "Hinge", _hinge, _hinge_gradient, ("linear", "tanh"), CLASSES, False,
            r"\frac{1}{O}\sum \max(0,\ 1 - t y)",
            "Cares only for points near or beyond the boundary, as support vector machines do; no probabilities."),
    )
}  # fmt: skip


class Output(NamedTuple):
    name: str
    label: str
    forward: Callable  # z -> y
    backward: Callable  # (dy, z, y) -> dz
    targets: tuple[float, float]  # target value of a wrong and of a right class
    formula: str  # LaTeX
    sentence: str


def _softmax_back(dy, z, y):
    return y * (dy - (dy * y).sum(axis=1, keepdims=True))


def _output(name: str, targets: tuple[float, float], sentence: str) -> Output:
    f = ACTIVATIONS[name]
    return Output(name, f.label, f.forward, f.backward, targets, f.formula, sentence)


OUTPUTS = {
    o.name: o
    for o in (
        _output("sigmoid", (0, 1), "Each output is a probability of its own."),
        Output(
            "softmax", "Softmax", softmax, _softmax_back, (0, 1), r"\frac{e^{z_k}}{\sum_j e^{z_j}}",
            "The outputs are probabilities that add up to one."),
        _output("tanh", (-1, 1), "Between -1 and 1; zero is the boundary."),
        _output("linear", (-1, 1), "Any number, as regression needs."),
    )
}  # fmt: skip


class Objective:
    """What training minimizes: a loss of an output function, with targets made for both.

    kind: "classification" or "regression"; classes: number of classes (0 for regression).
    label_smoothing: share of each target that is spread evenly over all possible answers (Szegedy et al. 2016).
    class_weights: one positive number for each class; the loss is then the weighted mean sum(w L) / sum(w) over the
    samples of a batch, w being the weight of a sample's class. With label smoothing as well, the cross-entropy of
    exclusive classes weights each class's share of a target instead, as PyTorch's CrossEntropyLoss does:
    sum(w_k t_k (-ln y_k)) / sum(w).
    Raises ValueError for a loss that does not suit the output function.
    """

    def __init__(
        self,
        kind: str,
        classes: int,
        output: str,
        loss: str,
        *,
        label_smoothing: float = 0.0,
        class_weights: Sequence[float] | np.ndarray | None = None,
    ) -> None:
        if loss not in valid_losses(kind, output):
            allowed = ", ".join(valid_losses(kind, output)) or "none"
            raise ValueError(f"loss {loss} does not go with output {output} here; allowed: {allowed}")
        if kind == "regression" and (label_smoothing or class_weights is not None):
            raise ValueError("label smoothing and class weights are for classification")
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label smoothing must be at least 0 and below 1, not {label_smoothing}")
        if class_weights is not None and (len(class_weights) != classes or not min(class_weights) > 0):
            raise ValueError(f"class weights must be {classes} positive numbers")
        self.kind, self.classes = kind, classes
        self.output, self.loss = OUTPUTS[output], LOSSES[loss]
        self.label_smoothing = label_smoothing
        self.class_weights = None if class_weights is None else np.asarray(class_weights, np.float64)

    @property
    def units(self) -> int:
        """Output units: one for a number or a yes/no question, else one for each class."""
        return self.classes if self.classes > 2 or (self.classes == 2 and self.output.name == "softmax") else 1

    def targets(self, labels: np.ndarray, dtype: np.dtype | type = np.float32) -> np.ndarray:
        """(N,) class numbers, (N, classes) one-hot rows or (N,) values -> (N, O) targets of dtype.

        With class weights two more columns hold the weight of each sample in the sum and in its divisor: (N, O + 2).
        The width comes from the problem, never from the batch. Raises ValueError for other labels.
        """
        labels = np.asarray(labels)
        if self.kind == "regression":
            return np.ascontiguousarray(labels, dtype).reshape(-1, 1)
        shares = self._one_hot(labels) if labels.ndim == 1 else labels
        if shares.shape != (len(labels), self.classes):
            raise ValueError(f"labels must be class numbers or rows of {self.classes}, not of shape {labels.shape}")
        hit = shares if self.units > 1 else shares[:, 1:]
        choices = self.classes if self.output.name == "softmax" else 2
        wrong, right = self.output.targets
        spread = self.label_smoothing / choices
        t = wrong + (right - wrong) * (hit * (1 - self.label_smoothing) + spread)
        if self.class_weights is not None:
            weights = shares @ self.class_weights
            t = np.column_stack([*self._weighted(t, weights), weights])
        return np.ascontiguousarray(t, dtype)

    def _weighted(self, t: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Targets t (N, O) and the weight (N,) of each sample in the sum, given the weights of their classes.

        Shares of exclusive classes are weighted and divided by their total, which becomes the weight of the sample: the
        gradient y - t of a cross-entropy needs shares that add up to one.
        """
        is_exclusive = self.loss.name == "categorical_crossentropy" or (self.loss.on_logits and self.units == 1)
        if not is_exclusive:
            return t, weights
        shares = (t if self.units > 1 else np.column_stack([1 - t, t])) * self.class_weights
        total = shares.sum(axis=1)
        return (shares / total[:, None])[:, -self.units :], total

    def _one_hot(self, labels: np.ndarray) -> np.ndarray:
        hit = labels[:, None] == np.arange(self.classes)
        if not hit.any(axis=1).all():
            raise ValueError(f"class numbers must be whole numbers from 0 to {self.classes - 1}")
        return hit

    def split(self, t: Any) -> tuple[Any, Any]:
        """The result of `targets` -> targets (N, O) and the weight of each sample in the mean: one number or (N, 1)."""
        if self.class_weights is None:
            return t, 1 / len(t)
        weights = t[:, self.units :]
        return t[:, : self.units], weights[:, :1] / weights[:, 1:].sum()

    def count(self, t):
        """Total weight of the samples of targets t in the mean."""
        return len(t) if self.class_weights is None else t[:, self.units + 1 :].sum()

    def value(self, z, t):
        """Mean loss of the batch, from logits z (N, O) and the result of `targets`."""
        t, share = self.split(t)
        return (self.loss.value(z if self.loss.on_logits else self.output.forward(z), t) * share).sum()

    def guess(self, t: np.ndarray) -> float | None:
        """Lowest loss of a network that answers every sample of the result of `targets` alike: with the mean target.

        The entropy of the class shares for cross-entropy, the variance of the targets for the squared error; None for
        losses whose best answer is not the mean.
        """
        t, share = self.split(t)
        share = np.broadcast_to(share, (len(t), 1))
        mean = (t * share).sum(axis=0, keepdims=True) / share.sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            match self.loss.name:
                case "mse":
                    answer = mean
                case "binary_crossentropy":
                    answer = np.log(mean / (1 - mean))
                case "categorical_crossentropy":
                    answer = np.log(mean)
                case _:
                    return None
            value = float((self.loss.value(np.broadcast_to(answer, t.shape), t) * share).sum())
        return value if np.isfinite(value) else None  # infinite for a class without examples

    def gradient(self, z, t):
        """dL/dz (N, O)"""
        t, share = self.split(t)
        if self.loss.on_logits:
            return self.loss.gradient(z, t, share)
        y = self.output.forward(z)
        return self.output.backward(self.loss.gradient(y, t, share), z, y)

    def predict(self, z: np.ndarray) -> np.ndarray:
        """Logits -> class numbers (N,), or values (N,) for regression."""
        if self.kind == "regression":
            return self.output.forward(z)[:, 0]
        if self.units == 1:
            return (z[:, 0] > 0).astype(np.int64)  # each output function has its boundary at z = 0
        return z.argmax(axis=1)

    def probabilities(self, z: np.ndarray) -> np.ndarray:
        """Logits (N, O) -> probabilities (N, classes). Other outputs are read through softmax or sigmoid of z."""
        if self.units == 1:
            p = OUTPUTS["sigmoid"].forward(z)
            return np.concatenate([1 - p, p], axis=1)
        return softmax(z)


def balanced_weights(labels: np.ndarray, classes: int) -> np.ndarray:
    """Class weights that make every class count equally: N / (classes * its count); (N,) labels -> (classes,)."""
    return len(labels) / (classes * np.maximum(np.bincount(labels, minlength=classes), 1))


def valid_outputs(kind: str, classes: int) -> tuple[str, ...]:
    """Output functions offered for a kind of problem."""
    return ("linear", "tanh") if kind == "regression" else ("sigmoid", "softmax", "tanh", "linear")


def valid_losses(kind: str, output: str) -> tuple[str, ...]:
    """Losses offered for an output function."""
    return tuple(name for name, loss in LOSSES.items() if kind in loss.kinds and output in loss.outputs)


def usual_output(kind: str, classes: int, loss: str | None = None) -> str:
    """The default output function, given the loss if one was chosen."""
    if kind == "regression" or loss == "hinge":
        return "linear"
    if loss in ("mse", "mae", "huber"):
        return "tanh" if classes == 2 else "sigmoid"
    if loss is None:
        return "sigmoid" if classes == 2 else "softmax"
    return LOSSES[loss].outputs[0]


def usual_loss(kind: str, classes: int, output: str | None = None) -> str:
    """The default loss, given the output function if one was chosen."""
    if kind == "regression":
        return "mse"
    probable = {"sigmoid": "binary_crossentropy", "softmax": "categorical_crossentropy"}
    return probable.get(output or usual_output(kind, classes), "mse")
