"""How the layers of a run are: distributions of signals and gradients, and a diagnosis in words.

The figures are those of engine/training/diagnostics.py; the words are here, one rule a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.network.layers import Activation, Dense
from engine.training.diagnostics import LayerReport, examine
from lab.experiment.experiment import Experiment
from lab.protocol.messages import Step

if TYPE_CHECKING:
    from lab.server.pool import Pool
    from lab.training.run import Run

Answer = tuple[dict[str, Any], dict[str, np.ndarray]]

BINS = 31
SMALLEST = 1e-12  # gradients below are counted as zero
BAND = (1e-4, 1e-2)  # update to weight: healthy; the rule of thumb is 1e-3, its middle
MUCH = 0.5  # share of dead units or saturated places that deserves a word
FADED = 0.02  # times the gradient of the last hidden layer: so much has been lost on the way to the first


class LayerHealth(NamedTuple):
    """A layer with weights and the activation behind it, as they go into the table. NaN: there is no such figure."""

    name: str
    signal: float  # standard deviation of the outputs
    gradient: float  # and of the gradient by them
    dead: float
    saturated: float
    update: float  # to weight
    verdict: str


class Sentence(NamedTuple):
    """A rule about one layer: the words if it holds."""

    holds: Callable[[float, float, float], bool]  # dead, saturated, update to weight; NaN compares as False
    words: str


ABOUT_A_LAYER = (
    Sentence(lambda dead, saturated, update: dead >= MUCH, "mostly dead: no gradient comes through"),
    Sentence(lambda dead, saturated, update: dead > 0, "some dead units"),
    Sentence(lambda dead, saturated, update: saturated >= MUCH, "saturated: the curve is flat where its inputs lie"),
    Sentence(lambda dead, saturated, update: update < BAND[0], "hardly moves: either learnt, or stuck"),
    Sentence(lambda dead, saturated, update: update > BAND[1], "moves fast: large steps for such weights"),
    Sentence(lambda dead, saturated, update: True, "healthy"),
)


def layer_verdict(dead: float, saturated: float, update: float) -> str:
    """What the first rule that holds says of a layer."""
    return next(rule.words for rule in ABOUT_A_LAYER if rule.holds(dead, saturated, update))


def flow_verdict(gradients: list[float]) -> str:
    """What happens to the gradient on its way back. gradients: standard deviations by hidden layer, first to last."""
    if len(gradients) < 2:
        return "With fewer than two hidden layers the gradient has no way to get lost on."
    first, last = gradients[0], gradients[-1]
    if not np.isfinite([first, last]).all():
        return "Exploding: gradients are no finite numbers any more."
    if last <= SMALLEST:
        return "No gradient at all: either everything is learnt, or nothing reaches the layers."
    share = first / last
    if share < FADED:
        return f"Vanishing: only {percent(share)} of the last hidden layer's gradient reaches the first one."
    if share > 1 / FADED:
        return f"Exploding: the gradient is {share:,.0f} times as large in the first hidden layer as in the last."
    return f"Healthy flow: the first hidden layer gets {percent(share)} of the last one's gradient."


def percent(share: float) -> str:
    """A share in as many digits as it needs."""
    if 0 < share < 1e-5:
        return "less than 0.001%"
    return f"{share * 100:.{0 if share >= 0.1 else 1 if share >= 0.01 else 3}f}%"


def health(run: Run, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """Table, verdict and histograms of the layers with weights, each with the activation behind it.

    edges (L, BINS + 1) and counts (L, BINS) of each layer's outputs; log10 sizes of the gradients likewise; `zeros`
    (L,) the share of gradients that are zero.
    """
    looks, layers = examine(run.trainer), run.trainer.network.layers
    rows, signals, gradients, flow = [], [], [], []
    hidden = 0
    for number, (look, layer) in enumerate(zip(looks, layers, strict=True)):
        if not layer.weights:
            continue
        after = _activation_after(layers, number)
        shown = looks[after] if after else look
        hidden += 1
        behind = layers[after or 0]
        can_saturate = isinstance(behind, Activation) and bool(np.isfinite(behind.function.bounds).all())
        rows.append(_row(look.report, shown.report, _name(layer, after is not None, hidden), can_saturate))
        signals.append(shown.activations)
        gradients.append(shown.gradients)
        if after:
            flow.append(shown.report.gradient_std)
    histograms = [np.histogram(_finite(values), BINS) for values in signals]
    sizes = [_finite(np.abs(values)) for values in gradients]
    of_sizes = [np.histogram(np.log10(size[size > SMALLEST]), BINS, (-12, 2)) for size in sizes]
    scores = run.trainer.latest
    header = {
        "layers": [row._asdict() for row in rows], "flow": flow_verdict(flow), "epoch": run.trainer.epochs,
        "status": run.status, "train_loss": scores.train_loss, "train_score": scores.train_score,
        "score": run.trainer.score_name,
    }  # fmt: skip
    return header, {
        "edges": np.stack([edges for _, edges in histograms]),
        "counts": np.stack([counts for counts, _ in histograms]).astype(float),
        "gradient_edges": np.stack([edges for _, edges in of_sizes]),
        "gradient_counts": np.stack([counts for counts, _ in of_sizes]).astype(float),
        "zeros": np.array([float((size <= SMALLEST).mean()) if size.size else np.nan for size in sizes]),
    }


def _activation_after(layers: list[Any], number: int) -> int | None:
    """The number of the activation that belongs to a layer: it stands before the next one with weights."""
    for after in range(number + 1, len(layers)):
        if isinstance(layers[after], Activation):
            return after
        if layers[after].weights:
            return None
    return None


def _name(layer: Any, hidden: bool, number: int) -> str:
    if not isinstance(layer, Dense):
        return f"{number} {layer!r}"
    return f"{number} hidden, {layer.units} units" if hidden else f"{number} output"


def _row(dense: LayerReport, shown: LayerReport, name: str, can_saturate: bool) -> LayerHealth:
    facts = shown.dead, shown.saturated if can_saturate else np.nan, dense.update_to_weight
    return LayerHealth(name, shown.activation_std, shown.gradient_std, *facts, layer_verdict(*facts))


def _finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)].astype(float)


# Two small networks side by side ------------------------------------------------------------------------------------

TRIAL_EPOCHS = 60
LONGEST = 20  # presses of Step for an epoch, at most
DEEP = Experiment(hidden=(8,) * 6, activations="sigmoid", initializer="glorot_uniform")
TRIALS = {
    "Six layers of sigmoids": DEEP,
    "The same with ReLU and He weights": DEEP.change(activations="relu", initializer="he_normal"),
}


def trial(pool: Pool, experiment: Experiment, epochs: int = TRIAL_EPOCHS) -> Iterator[tuple[float, Answer | None]]:
    """Train a network of its own for some epochs; yields the share that is done, and with the last one its health.

    However it ends, the network is gone afterwards.
    """
    token = pool.open(experiment)
    try:
        for _ in range(LONGEST * epochs):  # a press of Step may end before its epoch does
            pool.do(token, Step())
            done = pool.state(token).epoch
            if done >= epochs:
                break
            yield done / epochs, None
        yield 1.0, pool.ask(token, "health")
    finally:
        pool.close(token)
