"""Queries of the pages on mathematics: the values of a run on the plotted functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.network.observe import observe
from engine.training.diagnostics import DIAGNOSED_SAMPLES, flatness
from lab.experiment.architecture import architecture_of
from lab.protocol.messages import Answer
from lab.queries.one_step import latest_batch
from lab.training.run import Run

BINS = 60
MAX_DOTS = 64  # units of a layer whose values for the chosen point are sent


def pre_activations(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """Inputs of each activation layer for the first training points, and for the one with number options["point"].

    header: layers, one record each (activation, units, and the shares dead and saturated).
    arrays: edges (L, BINS + 1) and counts (L, BINS), where the first and last bin include all values beyond them;
    and z0, z1 ... (units,), the values of the point in each layer.
    """
    trainer = run.trainer
    point = int(np.clip(int(options["point"]), 0, len(trainer.x_train) - 1))
    x = np.concatenate([trainer.x_train[point : point + 1], trainer.x_train[:DIAGNOSED_SAMPLES]])
    found = (block.find("activation") for block in architecture_of(run.experiment).blocks)
    activations = [layer.name for layer in found if layer]
    with observe(trainer.network, activations) as seen:
        trainer.network.chain.forward(x, train=False)
    layers, edges, counts, dots = [], [], [], {}
    for name in activations:
        layer, z = trainer.network[name], seen.inputs[name]
        sample = z[..., 1:] if z.ndim == 4 else z[1:]  # maps are (H, C, W, N)
        dead, saturated = flatness(layer, sample)
        low, high = (float(v) for v in np.nan_to_num(np.quantile(sample, (0.005, 0.995))))
        reach = max(abs(low), abs(high), 1e-3)
        count, edge = np.histogram(np.clip(sample, -reach, reach), BINS, (-reach, reach))
        own = z[..., 0].mean(axis=(0, 2)) if z.ndim == 4 else z[0]
        dots[f"z{len(layers)}"] = own[:MAX_DOTS]
        layers.append({"activation": layer.name, "units": sample.shape[1], "dead": dead, "saturated": saturated})
        edges.append(edge)
        counts.append(count)
    shape = (len(layers), -1)
    histograms = {"edges": np.array(edges).reshape(shape), "counts": np.array(counts).reshape(shape)} if layers else {}
    return {"epoch": run.trainer.epochs, "layers": layers, "point": point}, {**histograms, **dots}


def batch_outputs(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """The output for the latest batch, or for the first points before the first step: z, y, t (N, O) and the loss."""
    trainer, objective = run.trainer, run.trainer.objective
    rows = latest_batch(trainer)
    z, t = trainer.network.forward(trainer.x_train[rows]), trainer.t_train[rows]
    header = {
        "epoch": trainer.epochs,
        "output": objective.output.name,
        "loss": objective.loss.name,
        "value": float(objective.value(z, t)),
        "points": len(rows),
    }
    return header, {"z": z, "y": objective.output.forward(z), "t": t[:, : objective.units]}


def plane(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """Points of the plane and the current map, to choose a point from; no arrays for other data."""
    dataset, diagram = run.dataset, run.frames.diagram
    sizes: dict[str, Any] = {name: len(dataset.part("y", name)) for name in dataset.parts}
    sizes["names"] = list(dataset.feature_names)
    sizes |= {"mean": dataset.x_mean.tolist(), "center": [dataset.y_mean, dataset.y_scale]}
    if diagram is None or dataset.extent is None:
        return {**sizes, "extent": None}, {}
    examples = {}
    for name in dataset.parts:
        examples |= {f"points_{name}": dataset.part("points", name), f"labels_{name}": dataset.part("y", name)}
    header = {**sizes, "extent": dataset.extent, "encoding": diagram.map.encoding}
    return header, {**examples, "map": diagram.map()}
