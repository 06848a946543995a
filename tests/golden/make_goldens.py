"""Makes the golden numbers that the engine is compared with: the same functions, losses and training runs in PyTorch.

Only this script needs PyTorch (2.13 was used); the tests read the .npz files beside it.

    pip install torch numpy
    python tests/golden/make_goldens.py

Keys are paths such as "relu/backward". Weights are stored as the engine has them: W (inputs, outputs).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

HERE = Path(__file__).parent
DTYPES = {"float64": torch.float64, "float32": torch.float32}
STEPS, BATCH = 50, 4
Arrays = dict[str, np.ndarray]

# Functions ------------------------------------------------------------------------------------------------------------

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": torch.relu,
    "leaky_relu": lambda z: F.leaky_relu(z, 0.01),
    "elu": F.elu,
    "selu": F.selu,
    "gelu": lambda z: F.gelu(z, approximate="tanh"),
    "swish": F.silu,
    "softplus": F.softplus,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "linear": lambda z: z * 1,
    "step": lambda z: torch.heaviside(z, torch.zeros_like(z)).detach() + 0 * z,
    "sine": torch.sin,
}
SURROGATES = {"step": torch.sigmoid}  # whose slope stands in for a slope that is zero


def activations() -> Arrays:
    """Value and slope of every activation at points with no kink among them."""
    arrays = {"z": np.concatenate([np.linspace(-6, 6, 48), [-100, -20, -1e-3, 1e-3, 20, 100]])}
    for name, function in ACTIVATIONS.items():
        z = torch.tensor(arrays["z"], requires_grad=True)
        arrays[f"{name}/forward"] = function(z).detach().numpy()
        (slope,) = torch.autograd.grad(SURROGATES.get(name, function)(z).sum(), z)
        arrays[f"{name}/backward"] = slope.numpy()
    return arrays


OUTPUTS = {
    "sigmoid": torch.sigmoid,
    "softmax": lambda z: torch.softmax(z, 1),
    "tanh": torch.tanh,
    "linear": lambda z: z,
}
FOR_NUMBERS = ("linear", "tanh", "sigmoid", "softmax")
LOSSES: dict[str, tuple[Callable, tuple[str, ...]]] = {  # (y or z, t) -> loss, and the outputs it goes with
    "mse": (F.mse_loss, FOR_NUMBERS),
    "mae": (F.l1_loss, FOR_NUMBERS),
    "huber": (F.huber_loss, FOR_NUMBERS),
    "binary_crossentropy": (F.binary_cross_entropy_with_logits, ("sigmoid",)),
    "categorical_crossentropy": (F.cross_entropy, ("softmax",)),
    "hinge": (lambda y, t: F.hinge_embedding_loss(t * y, -torch.ones_like(y)), ("linear", "tanh")),
}
ON_LOGITS = ("binary_crossentropy", "categorical_crossentropy")


def losses() -> Arrays:
    """Value and gradient with respect to the logits, for every loss with every output function."""
    rng = np.random.default_rng(1)
    labels, weights = rng.integers(0, 3, 9), np.array([0.5, 1.0, 3.0])
    arrays = {"z": rng.normal(0, 2, (9, 3)), "labels": labels, "weights": weights}
    arrays["large"] = 1e4 * np.sign(arrays["z"])
    one_hot = np.eye(3)[labels]

    def add(key: str, logits: str, function: Callable) -> None:
        z = torch.tensor(arrays[logits], requires_grad=True)
        value = function(z)
        (gradient,) = torch.autograd.grad(value, z)
        arrays[f"{key}/value"], arrays[f"{key}/gradient"] = value.detach().numpy(), gradient.numpy()

    for name, (loss, outputs) in LOSSES.items():
        for output in outputs:
            t = torch.tensor(2 * one_hot - 1 if output in ("tanh", "linear") else one_hot)
            y = OUTPUTS["linear" if name in ON_LOGITS else output]
            for logits in ("z", "large"):
                add(f"{name}/{output}/{logits}", logits, lambda z, loss=loss, y=y, t=t: loss(y(z), t))
    truth, w = torch.tensor(labels), torch.tensor(weights)
    add("smoothed", "z", lambda z: F.cross_entropy(z, truth, label_smoothing=0.1))
    add("weighted", "z", lambda z: F.cross_entropy(z, truth, weight=w))
    return arrays


# Training runs --------------------------------------------------------------------------------------------------------


def transposed(weight: np.ndarray) -> np.ndarray:
    return weight.T


def unchanged(array: np.ndarray) -> np.ndarray:
    return array


# kind of module -> its parameters and buffers: PyTorch's name, the engine's name, how to turn one into the other
TRANSLATIONS: dict[type[nn.Module], tuple[tuple[str, str, Callable[[np.ndarray], np.ndarray]], ...]] = {
    nn.Linear: (("weight", "W", transposed), ("bias", "b", unchanged)),
    nn.Conv2d: (("weight", "W", lambda weight: weight.transpose(2, 3, 1, 0)), ("bias", "b", unchanged)),
    nn.BatchNorm2d: (
        ("weight", "gamma", unchanged),
        ("bias", "beta", unchanged),
        ("running_mean", "mean", unchanged),
        ("running_var", "variance", unchanged),
    ),
}


def numbers(network: nn.Sequential) -> Iterator[tuple[str, np.ndarray, np.ndarray | None]]:
    """(key such as "2.W", value, gradient or None) of every parameter and buffer, as the engine would store it."""
    for number, module in network.named_modules():
        for theirs, ours, turn in TRANSLATIONS.get(type(module), ()):
            tensor = getattr(module, theirs)
            gradient = None if tensor.grad is None else np.ascontiguousarray(turn(tensor.grad.numpy()))
            yield f"{number}.{ours}", np.ascontiguousarray(turn(tensor.detach().numpy())), gradient


class FlattenRows(nn.Module):
    """(N, C, H, W) -> (N, H C W), the order in which the engine flattens."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 1, 3).flatten(1)


def convolutions() -> nn.Sequential:
    first = nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.Tanh(), nn.MaxPool2d(2)
    return nn.Sequential(
        nn.Unflatten(1, (1, 6, 6)), *first, nn.Conv2d(3, 4, 2), nn.Tanh(), FlattenRows(), nn.Linear(16, 3)
    )


def training() -> Arrays:
    """Train from the same float64 start in both precisions: batches of BATCH in order, over and over, STEPS steps.

    "start/2.W" is the start, "gradient/2.W" the gradient of the first step, "float32/2.W" the end, "float32/curve" the
    loss of each step before its update, "prediction" the logits (N, 3) at the end in float64.
    """
    rng = np.random.default_rng(4)
    x, y, rate = rng.normal(size=(12, 36)), rng.integers(0, 3, 12), 0.1
    arrays = {"x": x, "y": y, "rate": np.array(rate)}
    torch.set_default_dtype(torch.float64)
    for dtype_name, dtype in DTYPES.items():
        torch.manual_seed(2)
        network = convolutions().to(dtype)
        optimizer, curve = torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9), []
        if dtype == torch.float64:
            arrays |= {f"start/{key}": value.copy() for key, value, _ in numbers(network)}
        inputs, labels = torch.tensor(x, dtype=dtype), torch.tensor(y)
        for step in range(STEPS):
            rows = slice(step * BATCH % len(x), step * BATCH % len(x) + BATCH)
            loss = F.cross_entropy(network(inputs[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            if step == 0 and dtype == torch.float64:
                arrays |= {f"gradient/{key}": g for key, _, g in numbers(network) if g is not None}
            optimizer.step()
            curve.append(loss.item())
        arrays |= {f"{dtype_name}/{key}": value.copy() for key, value, _ in numbers(network)}
        arrays[f"{dtype_name}/curve"] = np.array(curve)
        if dtype == torch.float64:
            arrays["prediction"] = network.eval()(inputs).detach().numpy()
    return arrays


FILES: dict[str, Callable[[], Arrays]] = {
    "activations": activations,
    "losses": losses,
    "network": training,
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    for file, make_arrays in FILES.items():
        np.savez_compressed(HERE / f"{file}.npz", **make_arrays())
