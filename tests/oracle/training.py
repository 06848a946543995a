"""Training an experiment in PyTorch: targets, loss, penalties, clipping, schedule, optimizer, limits and evaluation.

N samples, O outputs, K classes. Everything is float64. The definitions are written again here and import none of the
engine's.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import cos, pi

import numpy as np
import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F  # noqa: N812

from data import Dataset
from lab.experiment.experiment import Experiment
from tests.oracle.network import Dropout, build_network

MAX_EVALUATED_SAMPLES = 2000  # of the training part

OUTPUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda z: z,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softmax": lambda z: torch.softmax(z, 1),
}
LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {  # (y, t), both (N, O) -> loss of each entry
    "mse": lambda y, t: F.mse_loss(y, t, reduction="none"),
    "mae": lambda y, t: F.l1_loss(y, t, reduction="none"),
    "huber": lambda y, t: F.huber_loss(y, t, reduction="none"),
    "hinge": lambda y, t: torch.relu(1 - t * y),
    "binary_crossentropy": lambda z, t: F.binary_cross_entropy_with_logits(z, t, reduction="none"),
}
ON_LOGITS = ("binary_crossentropy",)  # written on z, the value before the output function

SCHEDULES: dict[str, Callable[[float], float]] = {  # completed share of the span, 0 to 1 -> factor of the rate
    "constant": lambda s: 1.0,
    "step": lambda s: 0.1 ** min(int(3 * s), 2),
    "exponential": lambda s: 0.01**s,
    "cosine": lambda s: along_cosine(1, 0.01, s),
    "warmup": lambda s: min(0.1 + 9 * s, 1),
    "one_cycle": lambda s: along_cosine(0.1, 1, s / 0.3) if s < 0.3 else along_cosine(1, 0.01, (s - 0.3) / 0.7),
}


def along_cosine(start: float, end: float, share: float) -> float:
    """From start to end along half a period of a cosine."""
    return start + (end - start) * (1 - cos(pi * share)) / 2


OPTIMIZERS: dict[str, Callable[[list[dict]], optim.Optimizer]] = {
    "sgd": lambda groups: optim.SGD(groups),
    "momentum": lambda groups: optim.SGD(groups, momentum=0.9),
    "nesterov": lambda groups: optim.SGD(groups, momentum=0.9, nesterov=True),
    "adagrad": lambda groups: optim.Adagrad(groups, eps=1e-10),
    "rmsprop": lambda groups: optim.RMSprop(groups, alpha=0.99, eps=1e-8),
    "adam": lambda groups: optim.Adam(groups, betas=(0.9, 0.999), eps=1e-8),
    "adamw": lambda groups: optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-8),
}
SLOTS = {  # PyTorch's names of an optimizer's slots, in the engine's order
    "sgd": (), "momentum": ("momentum_buffer",), "nesterov": ("momentum_buffer",), "adagrad": ("sum",),
    "rmsprop": ("square_avg",), "adam": ("exp_avg", "exp_avg_sq"), "adamw": ("exp_avg", "exp_avg_sq"),
}  # fmt: skip


def class_logits(z: Tensor) -> Tensor:
    """(N, O) -> (N, K). A single output decides between two classes with the logits 0 and z."""
    return torch.cat([torch.zeros_like(z), z], 1) if z.shape[1] == 1 else z


class Training:
    """One network with its optimizer, trained on given batches with given noise.

    weights: the matrices and filters, to which penalties, decay and limits apply; biases and the parameters of batch
    normalization are free of them. biases_before_norm: numbers of the parameters that batch normalization cancels.
    """

    def __init__(self, e: Experiment, data: Dataset) -> None:
        self.e, self.samples, self.seen = e, len(data.x_train), 0
        self.classes, self.output = data.classes, e.output_name
        self.class_weights: Tensor | None = None
        if e.class_weights == "balanced":
            counts = np.bincount(data.y_train, minlength=self.classes).clip(1)
            self.class_weights = torch.tensor(self.samples / (self.classes * counts))
        outputs = self.classes if self.classes > 2 or self.output == "softmax" else 1
        self.network = build_network(e, data.x_train.shape[1], outputs)
        self.parameters = list(self.network.parameters())
        self.statistics = [s for name, s in self.network.named_buffers() if "running" in name]
        self.dropouts = [module for module in self.network.modules() if isinstance(module, Dropout)]
        self.weights = [p for p in self.parameters if p.ndim > 1]
        before_norm = [m.bias for m, n in pairwise(self.network.modules()) if isinstance(n, nn.BatchNorm1d)]
        self.biases_before_norm = [k for k, p in enumerate(self.parameters) if any(p is bias for bias in before_norm)]
        self.optimizer = OPTIMIZERS[e.optimizer](
            [
                {"params": self.weights, "weight_decay": e.weight_decay if e.optimizer == "adamw" else 0},
                {"params": [p for p in self.parameters if p.ndim == 1], "weight_decay": 0},
            ]
        )
        self.parts = {  # name -> (x, labels)
            name: (torch.tensor(data.part("x", name)).double(), torch.tensor(data.part("y", name)))
            for name in data.parts
        }

    # Loss ------------------------------------------------------------------------------------------------------------

    def targets(self, labels: Tensor) -> Tensor:
        """(N,) values or class numbers -> (N, O). A wrong class is 0, or -1 if the output is linear or tanh."""
        if not self.classes:
            return labels.double()[:, None]
        one_hot = F.one_hot(labels, self.classes).double()
        if self.classes == 2 and self.output != "softmax":
            one_hot = one_hot[:, 1:]
        answers = self.classes if self.output == "softmax" else 2
        t = one_hot * (1 - self.e.label_smoothing) + self.e.label_smoothing / answers
        return 2 * t - 1 if self.output in ("linear", "tanh") else t

    def loss(self, z: Tensor, labels: Tensor) -> Tensor:
        """Mean loss of logits z (N, O), weighted by the classes of the samples."""
        name = self.e.loss_name
        if name == "categorical_crossentropy" or (name == "binary_crossentropy" and z.shape[1] == 1):
            smoothing = self.e.label_smoothing
            return F.cross_entropy(class_logits(z), labels, self.class_weights, label_smoothing=smoothing)
        losses = LOSSES[name](z if name in ON_LOGITS else OUTPUTS[self.output](z), self.targets(labels)).mean(1)
        weights = torch.ones(len(z)) if self.class_weights is None else self.class_weights[labels]
        return (losses * weights).sum() / weights.sum()

    def penalty(self) -> Tensor:
        squares, sizes = (sum(f(W).sum() for W in self.weights) for f in (torch.square, torch.abs))
        return self.e.l1 * sizes + self.e.l2 / 2 * squares

    # One step --------------------------------------------------------------------------------------------------------

    def differentiate(self, rows: np.ndarray, noise: list[np.ndarray]) -> None:
        """Fill the gradients from a batch: penalties included, clipped. noise: (N, O) for each layer with dropout."""
        x, labels = self.parts["train"]
        for layer, uniform in zip(self.dropouts, noise, strict=True):
            layer.noise = torch.tensor(uniform)
        self.network.train()
        self.optimizer.zero_grad()
        (self.loss(self.network(x[rows]), labels[rows]) + self.penalty()).backward()
        gradients = [p.grad for p in self.parameters]
        if limit := self.e.clip_value:
            for g in gradients:
                g.clamp_(-limit, limit)
        if limit := self.e.clip_norm:
            length = torch.sqrt(sum((g**2).sum() for g in gradients))
            for g in gradients:  # PyTorch's clip_grad_norm_ adds 1e-6 to the length
                g *= min(1, limit / length)

    def update(self, samples: int) -> None:
        """Move the parameters along the gradients of a batch of `samples`."""
        e = self.e
        epoch = self.seen // self.samples + self.seen % self.samples / self.samples
        span = e.schedule_span or e.epochs or 100
        for group in self.optimizer.param_groups:
            group["lr"] = e.learning_rate * SCHEDULES[e.schedule](min(epoch / span, 1))
        self.optimizer.step()
        self.seen += samples
        if e.max_norm:
            for W in self.weights:  # (O, ...): the weights into a unit lie along all axes but the first
                norms = torch.linalg.vector_norm(W.data.flatten(1), dim=1).reshape(-1, *[1] * (W.ndim - 1))
                W.data *= torch.where(norms > e.max_norm, e.max_norm / norms, 1)

    @property
    def slots(self) -> list[list[Tensor]]:
        """For each slot of the optimizer its tensors, one for each parameter; none before the first step."""
        state = self.optimizer.state
        return [[state[p][slot] for p in self.parameters] for slot in SLOTS[self.e.optimizer] if state]

    # Evaluation ------------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def evaluate(self) -> dict[str, tuple[float, float]]:
        """Loss and score of each part. The score is accuracy or R2, and NaN where a prediction is nearly a tie."""
        self.network.eval()
        parts = self.parts | {"train": [array[:MAX_EVALUATED_SAMPLES] for array in self.parts["train"]]}
        return {name: self.score(self.network(x), labels) for name, (x, labels) in parts.items()}

    def score(self, z: Tensor, labels: Tensor) -> tuple[float, float]:
        loss = self.loss(z, labels).item()
        if not self.classes:
            y, t = OUTPUTS[self.output](z)[:, 0], labels.double()
            return loss, 1 - (((y - t) ** 2).sum() / ((t - t.mean()) ** 2).sum()).item()
        z = class_logits(z)
        best = z.topk(2, 1).values
        is_tie = (best[:, 0] - best[:, 1]).min() < 1e-9
        return loss, float("nan") if is_tie else (z.argmax(1) == labels).double().mean().item()
