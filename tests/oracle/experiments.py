"""Random experiments: every activation, layer, output with its losses, optimizer, schedule and limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from data import BALANCED, DATASETS, FEATURES, Dataset
from engine import ACTIVATIONS, INITIALIZERS, OPTIMIZERS, SCHEDULES
from engine.formulas.losses import valid_losses, valid_outputs
from lab.experiment.datasets import examples
from lab.experiment.experiment import Experiment
from lab.experiment.fields import DEFAULTS

PICTURES = {"digits": 1, "mnist": 3}  # name -> most convolution blocks that fit
POINTS_AND_TABLES = tuple(name for name, source in DATASETS.items() if not source.image_shape)
MAX_STEPS = 50  # of an epoch


def random_experiment(seed: int, number: int) -> Experiment:
    """The experiment of that number in the series of that seed, in float64. It trains within a second or so."""
    rng = np.random.default_rng([seed, number])

    def choice(*options: Any) -> Any:
        return options[rng.integers(len(options))]

    def several(most: int, *options: Any) -> tuple:
        return tuple(choice(*options) for _ in range(rng.integers(most + 1)))

    def sometimes(*values: float) -> float:
        return choice(0.0, choice(*values))

    dataset = choice(*POINTS_AND_TABLES, *PICTURES)
    source = DATASETS[dataset]
    output = choice(*valid_outputs(source.kind, source.classes))
    hidden = several(4, 1, 2, 3, 5, 5, 5, 16)
    conv = several(PICTURES[dataset], 1, 2, 3, 8) if source.image_shape else ()
    # Sums of zeros and ones are often equal but for rounding, which would decide what pooling takes for the maximum.
    names = [name for name in ACTIVATIONS if name != "step" or len(conv) < 2]
    batch_norm = choice(True, False, False)
    samples = choice(40, 53, 102, 150, *((0, 2800) if dataset != "mnist" else ()))
    sizes = [n for n in (1, 2, 3, 7, 10, 32, 100) if (samples or source.samples) / n <= MAX_STEPS]
    fields = {
        "dataset": dataset,
        "samples": samples,
        "noise": sometimes(0.1),
        "train_share": choice(0.5, 0.75, 0.8),
        "conv": conv,
        "hidden": hidden,
        "activations": tuple(choice(*names) for _ in hidden),
        "initializer": choice(*INITIALIZERS),
        "output": output,
        "loss": choice(*valid_losses(source.kind, output)),
        "optimizer": choice(*OPTIMIZERS),
        "learning_rate": choice(0.001, 0.01, 0.05),
        "schedule": choice(*SCHEDULES),
        "schedule_span": choice(0.0, 2.0, 2.5, 7.0),
        "epochs": choice(0, 3),
        "batch_size": choice(0, *(n for n in sizes if n > batch_norm)),
        "l1": sometimes(0.01),
        "l2": sometimes(0.01, 0.1),
        "weight_decay": choice(0.01, 0.1),
        "max_norm": sometimes(0.5, 1.5),
        "clip_norm": sometimes(0.03, 1.0),
        "clip_value": sometimes(0.01, 0.3),
        "dropout": sometimes(0.2, 0.5),
        "batch_norm": batch_norm,
        "residual": choice(True, False),
        "seed": int(rng.integers(10_000)),
        "dtype": "float64",
    }
    if source.classes:
        fields |= {"label_smoothing": sometimes(0.1, 0.3), "class_weights": choice("none", "balanced")}
    if source.plane:
        fields["features"] = tuple(dict.fromkeys((choice(*FEATURES), *several(4, *FEATURES))))
    if dataset in BALANCED:
        fields["balance"] = choice(0.5, 0.2)
    fields["validation_share"] = sometimes(0.2)
    return Experiment(**fields)


def simplest(e: Experiment, fails: Callable[[Experiment], bool]) -> Experiment:
    """A failing experiment, with fields set to their defaults and hidden layers removed as long as it still fails."""
    for simpler in simpler_experiments(e):
        if fails(simpler):
            return simplest(simpler, fails)
    return e


def simpler_experiments(e: Experiment) -> Iterator[Experiment]:
    for name in e.changed_fields(Experiment()).keys() - {"hidden", "activations", "dtype"}:
        yield e.change(**{name: DEFAULTS[name]})
    for layer in range(len(e.hidden)):
        lists = (e.hidden, e.activation_names)
        hidden, activations = ((*names[:layer], *names[layer + 1 :]) for names in lists)
        yield e.change(hidden=hidden, activations=activations)
        if e.activation_names[layer] != "tanh":
            names = list(e.activation_names)
            names[layer] = "tanh"
            yield e.change(activations=tuple(names))


def data_of(e: Experiment) -> Dataset:
    """The data of an experiment, where "mnist" stands for the digits with noise of 28 x 28 pixels as pictures.

    It needs no files, and is large enough for three convolutions and for batches that are processed in parts.
    """
    if e.dataset != "mnist":
        return examples(e)
    digits, rng = examples(e.change(dataset="digits", conv=())), np.random.default_rng(e.seed)
    inputs = {name: array for name, array in vars(digits).items() if name.startswith("x_") and array.ndim == 2}
    noise = {name: rng.normal(size=(len(array), 28 * 28)).astype(np.float32) for name, array in inputs.items()}
    return replace(digits, name="mnist", image_shape=(28, 28), **noise)
