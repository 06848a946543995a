"""PyTorch on a GPU, with the data and the sample order on the GPU as well: eager, compiled, or one graph per step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from bench.peers import batches
from bench.peers.pytorch import network
from bench.processes import Missing
from bench.workloads import Workload

WARM_UP_STEPS = 3  # before a graph is captured


def wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def make(workload: Workload, x: np.ndarray, y: np.ndarray, variant: str, device: str = "cuda") -> Callable[[int], int]:
    """variant: eager, compile or graph. Raises Missing if PyTorch finds no GPU."""
    if device == "cuda" and not torch.cuda.is_available():
        raise Missing("this PyTorch finds no GPU")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.manual_seed(0)
    model, inputs = network(workload).to(device), torch.from_numpy(x).to(device)
    targets = (torch.from_numpy(y.astype(np.float32))[:, None] if workload.binary else torch.from_numpy(y)).to(device)
    loss = nn.functional.binary_cross_entropy_with_logits if workload.binary else nn.functional.cross_entropy
    kind = torch.optim.SGD if workload.optimizer == "sgd" else torch.optim.Adam
    options = {"fused": True} | ({"capturable": True} if kind is torch.optim.Adam and variant == "graph" else {})
    optimizer = kind(model.parameters(), workload.learning_rate, **options)  # pyrefly: ignore

    def objective(x, t):
        return loss(model(x), t)

    if variant == "compile":
        objective = torch.compile(objective, mode="reduce-overhead")

    def learn(positions):
        optimizer.zero_grad(set_to_none=True)
        if workload.full:
            objective(inputs, targets).backward()
        else:
            objective(inputs.index_select(0, positions), targets.index_select(0, positions)).backward()
        optimizer.step()

    step = _recorded(learn, workload.batch, device) if variant == "graph" else learn
    size = workload.batch

    def begin():
        return None if workload.full else torch.randperm(len(inputs), device=device)

    def one(order, number):
        step(order if order is None else order[number * size : (number + 1) * size])

    return batches(len(x), size, begin, one)


def _recorded(learn: Callable, size: int, device: str) -> Callable:
    """A whole step, including the gather, as one graph that reads its sample indices from fixed memory."""
    positions = torch.arange(size, device=device)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP_STEPS):
            learn(positions)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        learn(positions)

    def step(chosen):
        if chosen is not None:
            positions.copy_(chosen)
        graph.replay()

    return step
