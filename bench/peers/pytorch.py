"""PyTorch with its best practical settings: fused optimizer, gradients set to None, tensors indexed directly."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from bench.peers import batches
from bench.workloads import Workload
from engine.step.data import MAX_EVALUATED_SAMPLES


def network(workload: Workload):
    if workload.kind == "conv":
        first = [nn.Conv2d(1, 8, 3), nn.MaxPool2d(2), nn.ReLU()]
        return nn.Sequential(*first, nn.Conv2d(8, 16, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(400, 10))
    row = []
    for i, o in pairwise(workload.sizes):
        row += [nn.Linear(i, o), nn.Tanh() if workload.binary else nn.ReLU()]
    return nn.Sequential(*row[:-1])


def make(workload: Workload, x: np.ndarray, y: np.ndarray, variant: str = "") -> Callable[[int], int]:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model, inputs = network(workload), torch.from_numpy(x)
    if workload.kind == "grid":
        return look(model, inputs, variant)
    if workload.kind == "conv":  # channels last is its faster layout
        model = model.to(memory_format=torch.channels_last)  # pyrefly: ignore
        inputs = inputs.reshape(-1, 1, 28, 28).to(memory_format=torch.channels_last)
    targets = torch.from_numpy(y.astype(np.float32))[:, None] if workload.binary else torch.from_numpy(y)
    loss = nn.functional.binary_cross_entropy_with_logits if workload.binary else nn.functional.cross_entropy
    kind = torch.optim.SGD if workload.optimizer == "sgd" else torch.optim.Adam
    optimizer = kind(model.parameters(), workload.learning_rate, fused=True)

    def objective(x, t):
        return loss(model(x), t)

    if variant == "compile":
        objective = torch.compile(objective)

    def learn(x, t):
        optimizer.zero_grad(set_to_none=True)
        objective(x, t).backward()
        optimizer.step()

    def evaluate():
        with torch.inference_mode():
            for part in (slice(MAX_EVALUATED_SAMPLES), slice(workload.tests)):
                z = model(inputs[part])
                guess = z > 0 if workload.binary else z.argmax(1)
                scores.append((loss(z, targets[part]).item(), (guess == targets[part]).float().mean().item()))

    scores: list[tuple[float, float]] = []
    end = evaluate if workload.peers_evaluate else int
    if workload.full:
        return batches(1, 1, lambda: None, lambda epoch, number: learn(inputs, targets))
    if workload.binary:  # small data: the whole epoch is shuffled at once

        def begin():
            order = torch.randperm(len(inputs))
            return inputs[order].split(workload.batch), targets[order].split(workload.batch)

        return batches(
            len(x), workload.batch, begin, lambda epoch, number: learn(epoch[0][number], epoch[1][number]), end
        )

    def step(order, number):
        part = order[number * workload.batch : (number + 1) * workload.batch]
        learn(inputs[part], targets[part])

    return batches(len(x), workload.batch, lambda: torch.randperm(len(inputs)), step, end)


def look(model, x, variant: str) -> Callable[[int], int]:
    """Evaluate every unit over the plane."""

    def maps(x):
        seen = []
        for layer in model:
            x = layer(x)
            seen.append(x)
        return [*seen, torch.sigmoid(x)]

    forward = torch.compile(maps) if variant == "compile" else maps

    def run(looks: int) -> int:
        with torch.inference_mode():
            for _ in range(looks):
                forward(x)
        return looks

    return run
