"""The health of the layers of a run: distributions of signals and gradients, and a diagnosis in words.

The values come from engine/training/diagnostics.py; the words come from the rules below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from data.counted import counted
from engine import ACTIVATIONS
from engine.training.diagnostics import DIAGNOSED_SAMPLES, LayerLook, examine
from lab.experiment.architecture import Block, architecture_of
from lab.protocol.messages import Answer
from lab.training.run import Run

BINS = 31
ZERO_GRADIENT = 1e-12  # smaller gradients count as zero
HEALTHY_RATIO = (1e-4, 1e-2)  # of update to weight; the rule of thumb is 1e-3
NOTABLE_SHARE = 0.5  # of dead units or saturated values
VANISHED_SHARE = 0.02  # of the gradient of the last hidden layer that reaches the first
LEARNED_SCORE = 0.9  # on the training part, from which tiny updates mean that there is nothing left to learn


class LayerHealth(NamedTuple):
    """A row of the table: a layer with weights and its activation. NaN: the value is not defined."""

    name: str
    signal: float  # standard deviation of the outputs
    gradient: float  # standard deviation of the gradients with respect to them
    dead: float
    saturated: float
    update: float  # ratio of update to weight
    verdict: str


class Sentence(NamedTuple):
    """A rule about a layer, and the words for the table if it holds."""

    holds: Callable[[float, float, float], bool]  # dead, saturated, update to weight; NaN compares as False
    words: str


ABOUT_A_LAYER = (
    Sentence(lambda dead, saturated, update: dead >= NOTABLE_SHARE, "mostly dead: no gradient comes through"),
    Sentence(lambda dead, saturated, update: dead > 0, "some dead neurons"),
    Sentence(lambda dead, saturated, update: saturated >= NOTABLE_SHARE, "saturated: the activation is almost flat"),
    Sentence(lambda dead, saturated, update: update < HEALTHY_RATIO[0], "hardly moves"),
    Sentence(lambda dead, saturated, update: update > HEALTHY_RATIO[1], "moves fast: large steps for such weights"),
    Sentence(lambda dead, saturated, update: True, "healthy"),
)


def layer_verdict(dead: float, saturated: float, update: float) -> str:
    """The words of the first rule that holds for a layer."""
    return next(rule.words for rule in ABOUT_A_LAYER if rule.holds(dead, saturated, update))


def verdict(gradients: list[float], updates: Sequence[float] = (), score: float = np.nan) -> str:
    """The flow of the gradient and the pace of the updates in words.

    gradients: standard deviations of the hidden layers, first to last. updates: update to weight of all layers.
    score: accuracy or R2 on the training part.
    """
    if len(gradients) < 2:
        return "With fewer than two hidden layers the gradient cannot vanish between them."
    first, last = gradients[0], gradients[-1]
    if not np.isfinite([first, last]).all():
        return "Exploding: gradients are not finite."
    if last <= ZERO_GRADIENT:
        return "No gradient: either the network has learned everything, or no gradient reaches the layers."
    share = first / last
    if share < VANISHED_SHARE:
        return f"Vanishing: only {percent(share)} of the last hidden layer's gradient reaches the first one."
    if share > 1 / VANISHED_SHARE:
        return f"Exploding: the gradient is {share:,.0f} times as large in the first hidden layer as in the last."
    times = f"{share:.2g} times" if share >= 1 else f"{percent(share)} of"
    flow = f"the first hidden layer gets {times} the last one's gradient"
    if len(updates) and all(update < HEALTHY_RATIO[0] for update in updates):
        if score >= LEARNED_SCORE:
            return f"Converged: the updates are tiny, and gradients still flow ({flow})."
        return f"Hardly moving: gradients flow ({flow}), but the updates are tiny. Raise the learning rate."
    return f"Healthy flow: {flow}."


def percent(share: float) -> str:
    """A share as a percentage, with more digits if it is small."""
    if 0 < share < 1e-5:
        return "less than 0.001%"
    return f"{share * 100:.{0 if share >= 0.1 else 1 if share >= 0.01 else 3}f}%"


def health(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """Table, verdict and histograms of the layers with weights, each with its activation.

    edges (L, BINS + 1) and counts (L, BINS) of each layer's outputs; gradient_edges and gradient_counts, of log10 of
    the gradients' sizes; zeros (L,), the share of gradients that are zero.
    """
    looks, architecture = examine(run.trainer), architecture_of(run.experiment)
    rows, signals, gradients, flow = [], [], [], []
    for block in architecture.blocks:
        shown = looks[block.output.name]
        rows.append(_row(_name(block), block, looks))
        signals.append(shown.activations)
        gradients.append(shown.gradients)
        if block.activation:
            flow.append(shown.report.gradient_std)
    histograms = [np.histogram(_finite(values), BINS) for values in signals]
    sizes = [_finite(np.abs(values)) for values in gradients]
    of_sizes = [np.histogram(np.log10(size[size > ZERO_GRADIENT]), BINS, (-12, 2)) for size in sizes]
    scores = run.trainer.latest
    header = {
        "layers": [row._asdict() for row in rows],
        "flow": verdict(flow, [row.update for row in rows], scores.train_score),
        "epoch": run.trainer.epochs,
        "status": run.status, "train_loss": scores.train_loss, "train_score": scores.train_score,
        "score": run.trainer.score_name, "samples": DIAGNOSED_SAMPLES,
        "train_samples": len(run.trainer.x_train), "train_evaluated": len(run.trainer.data.evaluated["train"].x),
    }  # fmt: skip
    return header, {
        "edges": np.stack([edges for _, edges in histograms]),
        "counts": np.stack([counts for counts, _ in histograms]).astype(float),
        "gradient_edges": np.stack([edges for _, edges in of_sizes]),
        "gradient_counts": np.stack([counts for counts, _ in of_sizes]).astype(float),
        "zeros": np.array([float((size <= ZERO_GRADIENT).mean()) if size.size else np.nan for size in sizes]),
    }


def _name(block: Block) -> str:
    if block.weights.kind == "conv":
        return f"{block.title} ({counted(block.units, 'filter')})"
    return f"{block.title} ({counted(block.units, 'neuron')})" if block.activation else block.title


def _row(name: str, block: Block, looks: Mapping[str, LayerLook]) -> LayerHealth:
    shown = looks[block.output.name].report
    activation = block.find("activation")
    function = looks[activation.name].report if activation else shown
    has_two_ends = block.activation is not None and bool(np.isfinite(ACTIVATIONS[block.activation].bounds).all())
    figures = (
        function.dead,
        function.saturated if has_two_ends else np.nan,
        looks[block.weights.name].report.update_to_weight,
    )
    return LayerHealth(name, shown.activation_std, shown.gradient_std, *figures, layer_verdict(*figures))


def _finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)].astype(float)
