"""The network of an experiment in PyTorch, built from the fields of the experiment alone.

N samples, I inputs, O outputs. Maps have PyTorch's shape (N, C, H, W): samples, channels, rows, columns.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from lab.experiment.experiment import Experiment


def step(z: Tensor) -> Tensor:
    """1 where z > 0, else 0, with the slope of the sigmoid, because its own is 0 everywhere."""
    slope = torch.sigmoid(z)
    return (z > 0).to(z.dtype) + slope - slope.detach()


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "leaky_relu": lambda z: F.leaky_relu(z, 0.01),
    "elu": F.elu,
    "selu": F.selu,
    "gelu": lambda z: F.gelu(z, approximate="tanh"),
    "swish": F.silu,
    "softplus": lambda z: F.softplus(z, threshold=100),  # by default linear above 20, an error of 2e-9
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "linear": lambda z: z,
    "step": step,
    "sine": torch.sin,
}


class Activation(nn.Module):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.function = ACTIVATIONS[name]

    def forward(self, z: Tensor) -> Tensor:
        return self.function(z)


class Dropout(nn.Module):
    """Drops the units whose noise is below the rate. noise: uniform numbers (N, O), set before each training pass."""

    noise: Tensor

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        return x * (self.noise >= self.rate) / (1 - self.rate) if self.training else x


class SkipConnection(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class FlattenRows(nn.Module):
    """(N, C, H, W) -> (N, H C W): each row of pixels with all its channels."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 1, 3).flatten(1)


def build_network(e: Experiment, inputs: int, outputs: int) -> nn.Sequential:
    """(N, I) samples -> (N, O) logits in float64."""
    layers: list[nn.Module] = []
    if e.conv:
        height, width = e.source.image_shape
        layers.append(nn.Unflatten(1, (1, height, width)))
        channels = 1
        for filters in e.conv:
            layers += nn.Conv2d(channels, filters, 3), nn.MaxPool2d(2), Activation(e.conv_activation)
            channels, height, width = filters, (height - 2) // 2, (width - 2) // 2
        layers.append(FlattenRows())
        inputs = channels * height * width
    for units, activation in zip(e.hidden, e.activation_names, strict=True):
        hidden: list[nn.Module] = [nn.Linear(inputs, units)]
        if e.batch_norm:
            hidden.append(nn.BatchNorm1d(units, eps=1e-5, momentum=0.1))
        hidden.append(Activation(activation))
        if e.dropout:
            hidden.append(Dropout(e.dropout))
        layers += [SkipConnection(*hidden)] if e.residual and units == inputs else hidden
        inputs = units
    return nn.Sequential(*layers, nn.Linear(inputs, outputs)).double()
